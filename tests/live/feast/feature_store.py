"""What a feature platform's pipelines do, by Feast's own library, in a small repository.

    python feature_store.py FOLDER make          # writes the repository and applies it
    python feature_store.py FOLDER materialize FROM TO
                                                 # hours before now, such as 72 48

The repository has one feature view, `user_txn_1h` of the project `risk`: served online, and
promised to be fresh within two hours. The registry's server is started by the test itself.
"""

import json
import pathlib
import sys
from datetime import datetime, timedelta, timezone

import pandas
from feast import Entity, FeatureStore, FeatureView, Field, FileSource
from feast.types import Float64, Int64
from feast.value_type import ValueType

CONFIG = """\
project: risk
provider: local
registry: data/registry.db
offline_store: { type: duckdb }
online_store: { type: sqlite, path: data/online.db }
entity_key_serialization_version: 3
"""
USERS = 5
DAYS = 5


def rows(now):
    times = [now - timedelta(hours=hour) for hour in range(DAYS * 24)]
    frame = pandas.DataFrame(
        [
            {"user_id": user, "event_timestamp": time, "txn_count": user + 1, "txn_amount": 10.5 * user}
            for user in range(USERS)
            for time in times
        ]
    )
    # In nanoseconds, which pandas writes by itself, the offline store cannot read them.
    frame["event_timestamp"] = frame["event_timestamp"].astype("datetime64[us, UTC]")
    return frame


def make(folder, now):
    data = folder / "data"
    data.mkdir(parents=True)
    (folder / "feature_store.yaml").write_text(CONFIG)
    rows(now).to_parquet(data / "txn.parquet")
    user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
    view = FeatureView(
        name="user_txn_1h",
        entities=[user],
        ttl=timedelta(hours=2),
        schema=[Field(name="txn_count", dtype=Int64), Field(name="txn_amount", dtype=Float64)],
        source=FileSource(path=str(data / "txn.parquet"), timestamp_field="event_timestamp"),
        online=True,
        owner="risk-ml@example.test",
        tags={"freshness_slo": "2h"},
    )
    store(folder).apply([user, view])


def store(folder):
    return FeatureStore(repo_path=str(folder))


def main():
    folder, what = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    now = datetime.now(timezone.utc)
    if what == "make":
        make(folder, now)
    else:
        begin, end = (now - timedelta(hours=float(hours)) for hours in sys.argv[3:5])
        store(folder).materialize(begin, end)
    runs = store(folder).get_feature_view("user_txn_1h").materialization_intervals
    print(json.dumps({"fresh_at": [end.isoformat() for _, end in runs]}))


if __name__ == "__main__":
    main()

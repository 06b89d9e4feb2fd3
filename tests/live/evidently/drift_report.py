"""A drift report with tests, as a monitoring job writes one for each batch of data.

    python drift_report.py FOLDER DATASET NUMBER [--drifted]

compares a batch with its reference and writes `FOLDER/DATASET/NUMBER.json` exactly as Evidently
gives it; with `--drifted`, the incomes of the batch are three times those of the reference. Prints
the path and each test's status as JSON.
"""

import json
import os
import pathlib
import sys

# Nobody is told that a test ran.
os.environ["DO_NOT_TRACK"] = "1"

import numpy
import pandas
from evidently import Report
from evidently.presets import DataDriftPreset

ROWS = 300


def loans(seed, is_drifted):
    random = numpy.random.default_rng(seed)
    income = random.normal(40_000, 9_000, ROWS)
    return pandas.DataFrame(
        {
            "income": income * 3 if is_drifted else income,
            "age": random.integers(18, 80, ROWS),
            "country": random.choice(["DE", "FR", "IT"], ROWS),
        }
    )


def main():
    folder, dataset, number = sys.argv[1:4]
    reference = loans(1, is_drifted=False)
    # Without drift the batch is the reference in another order, so that no chance decides.
    batch = loans(1, is_drifted="--drifted" in sys.argv[4:]).sample(frac=1, random_state=int(number))
    report = Report([DataDriftPreset()], include_tests=True).run(batch, reference)
    text = report.json()

    path = pathlib.Path(folder, dataset, f"{number}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    statuses = {test["name"]: test["status"] for test in json.loads(text)["tests"]}
    print(json.dumps({"path": str(path), "tests": statuses}))


if __name__ == "__main__":
    main()

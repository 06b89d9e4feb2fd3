"""What a person or a pipeline does to an MLflow registry, by MLflow's own client.

The live tests call this so that the registry changes as it does in the field, and so that what
Andon did is confirmed by somebody else. Each subcommand prints one line of JSON.
"""

import argparse
import json

import mlflow
from mlflow import MlflowClient
from mlflow.entities.webhook import WebhookEvent
from mlflow.exceptions import MlflowException


def version_fields(version):
    return {
        "name": version.name,
        "version": str(version.version),
        "source": version.source,
        "run_id": version.run_id,
        "tags": dict(version.tags),
        "aliases": list(version.aliases),
    }


def create_webhook(client, args):
    events = [WebhookEvent.from_str(event) for event in args.events]
    webhook = client.create_webhook(name=args.name, url=args.url, events=events, secret=args.secret)
    return {"id": webhook.webhook_id, "name": webhook.name, "events": args.events}


def register(client, args):
    """Registers one more version; the model is made when it is not there yet."""
    try:
        client.create_registered_model(args.model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    tags = dict(tag.split("=", 1) for tag in args.tag)
    run_id = None
    if args.with_run:
        run_id = client.create_run(client.create_experiment(f"{args.model}-{args.source}")).info.run_id
    return version_fields(client.create_model_version(args.model, args.source, run_id=run_id, tags=tags))


def get_version(client, args):
    return version_fields(client.get_model_version(args.model, args.version))


def move_alias(client, args):
    client.set_registered_model_alias(args.model, args.alias, args.version)
    return get_alias(client, args)


def delete_alias(client, args):
    client.delete_registered_model_alias(args.model, args.alias)
    return {"model": args.model, "alias": args.alias, "version": None}


def get_alias(client, args):
    """Says which version an alias names; null when there is no such alias."""
    try:
        version = str(client.get_model_version_by_alias(args.model, args.alias).version)
    except MlflowException as error:
        if "not found" not in str(error):
            raise
        version = None
    return {"model": args.model, "alias": args.alias, "version": version}


def set_tag(client, args):
    client.set_model_version_tag(args.model, args.version, args.key, args.value)
    return get_version(client, args)


def delete_tag(client, args):
    client.delete_model_version_tag(args.model, args.version, args.key)
    return get_version(client, args)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", required=True, help="the tracking server's URL")
    commands = parser.add_subparsers(required=True)

    def command(run, *places):
        made = commands.add_parser(run.__name__.replace("_", "-"))
        for place in places:
            made.add_argument(place)
        made.set_defaults(run=run)
        return made

    webhook = command(create_webhook, "name", "url")
    webhook.add_argument("--secret", required=True)
    webhook.add_argument("events", nargs="+", help="such as model_version_alias.created")
    version = command(register, "model", "source")
    version.add_argument("--tag", action="append", default=[], metavar="KEY=VALUE")
    version.add_argument("--with-run", action="store_true")
    command(get_version, "model", "version")
    command(move_alias, "model", "alias", "version")
    command(delete_alias, "model", "alias")
    command(get_alias, "model", "alias")
    command(set_tag, "model", "version", "key", "value")
    command(delete_tag, "model", "version", "key")

    args = parser.parse_args()
    mlflow.set_tracking_uri(args.server)
    mlflow.set_registry_uri(args.server)
    print(json.dumps(args.run(MlflowClient(), args)))


if __name__ == "__main__":
    main()

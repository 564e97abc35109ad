"""Backups in a bucket of S3-compatible storage."""

from collections.abc import Callable, Iterator

import boto3
import pytest

from backup.bucket import Bucket
from backup.layout import NotABackup
from backup.opening import open_place
from backup.places import PlaceError
from couch.client import Couch, couch
from tests.support.api_client import Account
from tests.support.backups import check_backup, dump_account, fill_account, make_backup, restore_into, store_message
from tests.support.s3_server import ACCESS, start_s3_server

BUCKET = "backups"


@pytest.fixture(scope="module", autouse=True)
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """A client of an S3 server, which the environment of this process names."""
    running = start_s3_server(tmp_path_factory.mktemp("s3"))
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {**ACCESS, "AWS_ENDPOINT_URL_S3": running.url}.items():
            environment.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client
    running.kill()


@pytest.fixture(scope="module")
def account_id(new_account: Callable[..., Account]) -> str:
    created = new_account().id
    fill_account(created)
    return created


def test_a_chain_in_a_bucket_is_verified_and_restored(account_id: str, target: Couch) -> None:
    full, increment = f"s3://{BUCKET}/chain/full", f"s3://{BUCKET}/chain/next"
    make_backup(full, account_id)
    store_message(account_id, "202611", "202611-later")
    manifest = make_backup(increment, account_id, since=full)
    assert manifest.since_location == "../full"
    assert check_backup(increment).faults == []
    assert restore_into(target, increment, account_id).faults == []
    assert dump_account(target, account_id) == dump_account(couch(), account_id)


def test_damage_in_a_bucket_is_found(account_id: str, s3: Couch) -> None:
    make_backup(f"s3://{BUCKET}/damaged", account_id)
    client = boto3.client("s3")
    objects = client.list_objects_v2(Bucket=BUCKET, Prefix="damaged/recordings/")["Contents"]
    client.put_object(Bucket=BUCKET, Key=objects[0]["Key"], Body=b"another")
    client.delete_object(Bucket=BUCKET, Key=objects[1]["Key"])
    assert len(check_backup(f"s3://{BUCKET}/damaged").faults) >= 2


def test_what_is_no_backup_is_refused() -> None:
    with pytest.raises(NotABackup):
        check_backup(f"s3://{BUCKET}/nothing")
    with pytest.raises(PlaceError):
        make_backup("s3://no-such-bucket/full", "0" * 32)


def test_a_lock_keeps_others_out_until_it_is_released_or_stale(account_id: str) -> None:
    location = f"s3://{BUCKET}/locked"
    with open_place(location).locked():
        with pytest.raises(PlaceError, match="Another backup"):
            make_backup(location, account_id)
        with Bucket(location, stale_seconds=0).locked():
            pass
    make_backup(location, account_id)
    with pytest.raises(PlaceError, match="finished backup"):
        make_backup(location, account_id)

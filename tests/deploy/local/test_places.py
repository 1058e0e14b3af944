"""Folders, ports and keys: what is chosen, what is refused, what survives."""

import socket
import stat
from pathlib import Path
from uuid import uuid4

import jwt
import pytest

from deploy.local.errors import Refused
from deploy.local.folders import REPOSITORY, Folders, default_folders, refuse_full_disk
from deploy.local.keys import load_keys
from deploy.local.local_tokens import AUDIENCE_PREFIX, ISSUER, local_token
from deploy.local.ports import HOST, free_ports, lasting_ports, ports_from, refuse_taken


def test_an_ordinary_user_keeps_everything_in_the_repository() -> None:
    assert default_folders({}, uid=1000) == Folders(data=REPOSITORY / ".local", visible=REPOSITORY / ".local")


def test_root_keeps_data_outside_every_home_and_apart_for_each_repository() -> None:
    folders = default_folders({}, uid=0)

    assert folders.data.parent == Path("/var/lib/huitou")
    assert folders.visible == REPOSITORY / ".local"


def test_a_chosen_folder_holds_everything(tmp_path: Path) -> None:
    assert default_folders({"HUITOU_DATA": str(tmp_path)}, uid=0) == Folders(data=tmp_path, visible=tmp_path)


def test_a_full_disk_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    folders = Folders(data=tmp_path, visible=tmp_path)
    refuse_full_disk(folders, needed=1)

    with pytest.raises(Refused, match=r"MB are free .* Nothing was changed"):
        refuse_full_disk(folders, needed=1 << 60)


def test_ports_are_settings() -> None:
    ports = ports_from({"HUITOU_PORTS": "9001", "HUITOU_SMTP_PORT": "9025", "HUITOU_POSTGRES_PORT": "9432"})

    assert dict(ports.apis) == {"order_ingest": 9001, "loyalty": 9002, "segmentation": 9003, "messaging": 9004}
    assert (ports.workers["order_ingest"], ports.smtp, ports.postgres) == (9011, 9025, 9432)
    assert ports_from({}).apis["order_ingest"] == 8001


@pytest.mark.parametrize("text", ["abc", "80", "65535", "-1"])
def test_a_setting_that_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="HUITOU_PORTS"):
        ports_from({"HUITOU_PORTS": text})


def test_lasting_ports_are_free_different_and_never_lent_to_a_client() -> None:
    lent_from = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = lasting_ports(6)

    assert len(set(ports)) == 6
    assert max(ports) < lent_from
    refuse_taken({f"port {port}": port for port in ports})


def test_free_ports_are_all_different() -> None:
    ports = free_ports()
    numbers = [*ports.apis.values(), *ports.workers.values(), ports.postgres, ports.smtp]

    assert len(set(numbers)) == len(numbers)


def test_a_taken_port_is_named_with_its_owner_and_its_setting() -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(Refused, match=rf"port {port}, meant for the mail catcher \(HUITOU_SMTP_PORT\)"):
            refuse_taken({"the mail catcher (HUITOU_SMTP_PORT)": port})

    refuse_taken({"the mail catcher (HUITOU_SMTP_PORT)": port})


def test_keys_are_made_once_and_closed_to_others(tmp_path: Path) -> None:
    first, second = load_keys(tmp_path), load_keys(tmp_path)

    assert (first.seal, first.match, first.vault) == (second.seal, second.match, second.vault)
    assert first.password("loyalty_api") == second.password("loyalty_api")
    assert first.password("loyalty_api") != first.password("loyalty_worker")
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


def test_a_token_verifies_against_the_published_keys(tmp_path: Path) -> None:
    keys, merchant = load_keys(tmp_path), uuid4()
    token = local_token(keys, merchant=merchant, scopes=["orders:*"])
    published = jwt.PyJWKSet.from_json(keys.jwks.read_text())[jwt.get_unverified_header(token)["kid"]]

    claims = jwt.decode(token, published, algorithms=["EdDSA"], audience=f"{AUDIENCE_PREFIX}loyalty", issuer=ISSUER)

    assert (claims["merchant_id"], claims["scope"]) == (str(merchant), "orders:*")

"""A broker's data folder: formatted whole or not at all, of one release."""

import json
from pathlib import Path

import pytest

from deploy.local.errors import Refused, StartFailed
from deploy.local.kafka_folder import layout_of, prepare_folder, read_record
from deploy.local.kafka_programs import Programs

# Stands in for Kafka's formatter, as Java: its last argument names the settings, whose log.dirs names the folder.
_TARGET = 'for each; do settings="$each"; done; folder=$(sed -n "s/^log.dirs=//p" "$settings"); mkdir -p "$folder"'
_WHOLE = f'{_TARGET}; echo "$*" > "$folder/meta.properties"'


def programs(folder: Path, script: str) -> Programs:
    java = folder / "java"
    java.write_text(f"#!/bin/sh\n{script}\n")
    java.chmod(0o755)
    return Programs(java=java, jars=folder)


def test_every_node_is_formatted_once_for_one_cluster(tmp_path: Path) -> None:
    layout = layout_of(tmp_path / "data", [(20001, 20002), (20003, 20004), (20005, 20006)])

    record = prepare_folder(layout, programs(tmp_path, _WHOLE))
    again = prepare_folder(layout, programs(tmp_path, "exit 1"))  # would fail if it were asked

    assert again == record
    told = [(node.data / "meta.properties").read_text() for node in layout.nodes]
    assert all(f"format -t {record.cluster_id} -c" in text for text in told)


def test_a_format_that_died_half_way_is_begun_again_with_the_same_cluster(tmp_path: Path) -> None:
    layout = layout_of(tmp_path / "data", [(20001, 20002)])
    with pytest.raises(StartFailed, match="could not format"):
        prepare_folder(layout, programs(tmp_path, f'{_TARGET}; touch "$folder/half"; kill -9 $$'))
    begun = read_record(layout.folder)
    assert not layout.nodes[0].data.exists()

    assert prepare_folder(layout, programs(tmp_path, _WHOLE)) == begun

    assert [file.name for file in layout.nodes[0].data.iterdir()] == ["meta.properties"]


def test_the_data_of_another_release_is_refused_and_stays(tmp_path: Path) -> None:
    layout = layout_of(tmp_path / "data", [(20001, 20002)])
    record = prepare_folder(layout, programs(tmp_path, _WHOLE))
    file = layout.folder / "cluster.json"
    file.write_text(json.dumps({"kafka": "3.9.1", "cluster_id": record.cluster_id, "nodes": 1}))

    with pytest.raises(Refused, match=r"made by Apache Kafka 3\.9\.1 with 1 node\(s\); this is .* `make reset`"):
        prepare_folder(layout, programs(tmp_path, _WHOLE))

    assert (layout.nodes[0].data / "meta.properties").exists()


def test_data_that_somebody_emptied_is_refused(tmp_path: Path) -> None:
    layout = layout_of(tmp_path / "data", [(20001, 20002)])
    prepare_folder(layout, programs(tmp_path, _WHOLE))
    (layout.nodes[0].data / "meta.properties").unlink()

    with pytest.raises(Refused, match="is not whole"):
        prepare_folder(layout, programs(tmp_path, _WHOLE))


def test_ports_may_be_others_at_the_next_start(tmp_path: Path) -> None:
    prepare_folder(layout_of(tmp_path / "data", [(20001, 20002)]), programs(tmp_path, _WHOLE))
    layout = layout_of(tmp_path / "data", [(20011, 20012)])

    prepare_folder(layout, programs(tmp_path, "exit 1"))

    settings = layout.nodes[0].properties.read_text()
    assert "listeners=BROKER://127.0.0.1:20011,CONTROLLER://127.0.0.1:20012" in settings
    assert "controller.quorum.voters=1@127.0.0.1:20012" in settings


def test_three_nodes_keep_three_copies_two_of_them_in_step(tmp_path: Path) -> None:
    alone = layout_of(tmp_path / "one", [(20001, 20002)])
    three = layout_of(tmp_path / "three", [(20001, 20002), (20003, 20004), (20005, 20006)])
    for layout in (alone, three):
        prepare_folder(layout, programs(tmp_path, _WHOLE))

    def copies(text: str) -> list[str]:
        return [line for line in text.splitlines() if line.startswith(("default.replication", "min.insync"))]

    assert copies(alone.nodes[0].properties.read_text()) == ["default.replication.factor=1", "min.insync.replicas=1"]
    assert copies(three.nodes[2].properties.read_text()) == ["default.replication.factor=3", "min.insync.replicas=2"]

"""The lock files against their inputs."""

from pathlib import Path

from deploy.lock import FOLDER, NAMES, complaints_about, inputs_hash, pins


def test_the_repository_is_in_step() -> None:
    assert [complaint for name in NAMES for complaint in complaints_about(FOLDER, name)] == []


def test_a_changed_input_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "dev.in").write_text("alpha\n")
    (tmp_path / "dev.txt").write_text(f"# inputs sha256:{inputs_hash(tmp_path, 'dev')}\nalpha==1.0\n")
    assert complaints_about(tmp_path, "dev") == []

    (tmp_path / "dev.in").write_text("alpha\nbeta\n")

    assert complaints_about(tmp_path, "dev") == ["dev.txt was made from other inputs: run `make lock`"]


def test_an_included_input_counts(tmp_path: Path) -> None:
    (tmp_path / "dev.in").write_text("-r runtime.in\n")
    (tmp_path / "runtime.in").write_text("alpha\n")
    before = inputs_hash(tmp_path, "dev")

    (tmp_path / "runtime.in").write_text("beta\n")

    assert inputs_hash(tmp_path, "dev") != before


def test_one_version_of_each_library_for_all(tmp_path: Path) -> None:
    for name, version in (("dev", "2.0"), ("runtime", "1.0")):
        (tmp_path / f"{name}.in").write_text("alpha\n")
        stamp = f"# inputs sha256:{inputs_hash(tmp_path, name)}\n"
        (tmp_path / f"{name}.txt").write_text(f"{stamp}alpha=={version}\n")

    assert complaints_about(tmp_path, "runtime") == ["runtime.txt pins what dev.txt does not: [('alpha', '1.0')]"]


def test_every_pin_has_a_hash_and_no_lock_names_a_place() -> None:
    for name in NAMES:
        text = (FOLDER / f"{name}.txt").read_text()
        assert len(pins(text)) <= text.count("--hash=sha256:")
        assert "://" not in text
        assert "--index-url" not in text
        assert "/tmp" not in text

"""Log files: bounded, readable, and never in the way."""

from pathlib import Path

from deploy.local.log_files import LogFile, readable


def test_a_log_never_grows_beyond_two_generations(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "worker.log", largest_bytes=100)

    for number in range(100):
        log.write(f"line {number:03d}\n".encode())
    log.close()

    sizes = [file.stat().st_size for file in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) <= 100 + len("line 000\n")
    assert log.tail().endswith("line 099")


def test_a_full_disk_loses_lines_not_the_process() -> None:
    log = LogFile(Path("/dev/full"))

    log.write(b"nobody will read this in the file\n")
    log.close()

    assert log.lost_lines > 0
    assert log.tail() == "nobody will read this in the file"


def test_json_lines_become_readable_and_others_stay() -> None:
    line = '{"event": "order_normalised", "level": "info", "timestamp": "2025-03-04T05:06:07Z", "order_id": "o-1"}'

    assert readable(line) == "05:06:07 info    order_normalised order_id=o-1"
    assert readable("Traceback (most recent call last):") == "Traceback (most recent call last):"
    assert readable("[1, 2]") == "[1, 2]"

"""What a purge removes and what it keeps, by the package's own script in a tree of its own."""

import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "debian" / "sipcall.postrm"
PLACES = ("/etc", "/var/lib", "/var/backups", "/run")
KEY = "/etc/credstore/sipcall.master-key"


def _purge(before: str, tmp_path: Path) -> tuple[subprocess.CompletedProcess[str], set[str]]:
    """The script's end, and what is left under PLACES; `before` makes what was there."""
    script = tmp_path / "postrm"
    script.write_bytes(SCRIPT.read_bytes())
    mounts = "\n".join(f"mount -t tmpfs place {place}" for place in PLACES if not str(tmp_path).startswith(place))
    lines = f"""set -e
{mounts}
mkdir -p /etc/credstore /etc/credstore.encrypted /etc/sipcall /var/lib/sipcall /run/sipcall
{before}
mkdir -p /var/lib/sipcall/web/ledger && touch /var/lib/sipcall/web/ledger/2026.sqlite /var/lib/sipcall/web/.hidden
touch {KEY} /etc/credstore/sipcall.trunk.password /etc/credstore/other
sh {script} purge
echo ended
find {" ".join(PLACES)} ! -type d
"""
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", lines]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done, set(done.stdout.split("ended\n")[-1].split()) if "ended" in done.stdout else {"the script failed"}


def test_everything_goes_the_master_key_too(tmp_path: Path) -> None:
    done, left = _purge("", tmp_path)
    assert (left, done.stderr) == ({"/etc/credstore/other"}, "")


def test_a_disk_of_its_own_is_emptied(tmp_path: Path) -> None:
    done, left = _purge("mount -t tmpfs disk /var/lib/sipcall", tmp_path)
    assert done.returncode == 0, done.stderr
    assert left == {"/etc/credstore/other"}


def test_backups_stay_and_need_no_key_of_the_box(tmp_path: Path) -> None:
    done, left = _purge("mkdir /var/backups/sipcall && touch /var/backups/sipcall/1.age", tmp_path)
    assert left == {"/etc/credstore/other", "/var/backups/sipcall/1.age"}
    assert "/var/backups/sipcall" in done.stderr and KEY not in done.stderr


def test_what_restores_put_aside_goes(tmp_path: Path) -> None:
    before = """mkdir /etc/sipcall.before-1 /etc/sipcall.restored
touch /etc/sipcall.before-1/sipcall.toml /etc/credstore/sipcall.trunk.password.before-1
touch /etc/credstore/sipcall.trunk.password.restored /etc/credstore/other.before-1
mkdir -p /var/lib/sipcall/replaced-1/web && touch /var/lib/sipcall/replaced-1/web/admin.json"""
    _, left = _purge(before, tmp_path)
    assert left == {"/etc/credstore/other", "/etc/credstore/other.before-1"}


def test_with_the_marker_backups_go(tmp_path: Path) -> None:
    backups = "/var/backups/sipcall"
    _, left = _purge(f"mkdir {backups} && touch {backups}/1.age {backups}/PURGE-WITH-PACKAGE", tmp_path)
    assert left == {"/etc/credstore/other"}

"""A newcomer's first quarter of an hour: the demo, and a campaign sent,
watched, paused and resumed by the command line alone."""

import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from kit import places, process
from kit.presort import Presort
from kit.sink import Sink


@pytest.fixture(name="directory")
def fixture_directory():
    """One that the database's user can reach; tmp_path is not."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="presort-cli-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


def run_demo(state):
    environment = dict(os.environ, BUILD=str(places.BUILD),
                       STATE_DIR=str(state))
    return subprocess.run([places.TOP / "tools/demo"], env=environment,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=180, check=False)


def test_demo(directory):
    ran = run_demo(directory / "state")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "100 %  10,000 of 10,000" in ran.stdout
    assert "delivered         10,000" in ran.stdout
    assert "  Good morning, Alan." in ran.stdout
    assert ran.stdout.splitlines()[-1].startswith("Stopped again")
    assert "Where to look" in ran.stdout and "  curl http" in ran.stdout
    assert "Running until" not in ran.stdout
    log = (directory / "state/up.log").read_text()
    assert log.rstrip().endswith("up stopped status=0")


def test_demo_takes_no_directory_of_others(directory):
    (directory / "mine").write_text("precious")
    ran = run_demo(directory)
    assert ran.returncode == 1
    assert "it is not empty" in ran.stderr
    assert (directory / "mine").read_text() == "precious"


def test_a_campaign_by_the_command_line(directory):
    (directory / "a.html").write_text("<p>Hello {{ first_name }}</p>")
    rows = [f"u{i}@site{i % 7}.example,U{i}" for i in range(3000)]
    (directory / "a.csv").write_text(
        "\n".join(["email,first_name", *rows, rows[0], "nobody,N"]) + "\n")
    with Sink("--slow", "8") as sink, Presort(sink.port) as presort:
        send = subprocess.Popen(
            [places.PRESORT, "campaign", "send", "--from", "N <n@x.example>",
             "--subject", "Hi", "--html", directory / "a.html", "--recipients",
             directory / "a.csv", "--watch"], env=presort.environment,
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            campaign = process.wait_until(
                lambda: presort.command("campaign", "list"), 30, "it"
            ).split()[0]
            presort.wait_for_totals(campaign, 30, lambda t: t["delivered"] > 0)
            top = presort.command("top", "--once").splitlines()
            assert top[1].startswith("Hi ") and top[1].endswith("sending")
            assert int(top[1].split()[1].replace(",", "")) > 0
            assert any(line.startswith("    site") for line in top)

            presort.command("campaign", "pause", campaign)
            assert "paused" in presort.command("campaign", "show", campaign)
            presort.command("campaign", "resume", campaign)
            said = send.communicate(timeout=60)[0]
            assert send.returncode == 0, said
            assert "3,000 recipients taken, 1 duplicates folded" in said
            assert "line 3003: " in said
            assert "100 %  3,000 of 3,000" in said
            assert presort.check_totals(campaign)["delivered"] == 3000
            assert sink.totals()["recipients"] == 3000
            check_slips_beside_a_database(presort)
        finally:
            send.kill()
            send.wait()


def check_slips_beside_a_database(presort):
    for words, status, said in (
            ("limits set campain x mails_per_second=1", 2,
             "did you mean `limits set campaign`?"),
            ("relay add bad gmial", 2,
             "neither HOST:PORT nor a preset, did you mean gmail?"),
            ("relay add there a.example:587 --tls verified --login auto "
             "--user jo --secret file:/nowhere/secret", 0,
             "warning: /nowhere/secret: No such file or directory")):
        ran = subprocess.run([places.PRESORT, *words.split()],
                             env=presort.environment, capture_output=True,
                             text=True, check=False)
        assert ran.returncode == status and said in ran.stderr, ran
    ran = subprocess.run(
        [places.PRESORT, *("route test jo@b.example --from jo@a.example --via "
                           "there").split()], env=presort.environment,
        capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "the relay's secret can't be read: mail would wait" in ran.stdout
    assert ran.stderr.count("/nowhere/secret: No such file") == 1
    for host, warned in (("vm", True), ("vm.example", False)):
        ran = subprocess.run(
            [places.PRESORT, "domains", "add", f"{host}.b.example"],
            env={**presort.environment, "PRESORT_HOSTNAME": host},
            capture_output=True, text=True, check=True)
        assert ("vm is no full name: set `hostname`" in ran.stderr) == warned


def run_presort(*words):
    return subprocess.run([places.PRESORT, *words], capture_output=True,
                          stdin=subprocess.DEVNULL, text=True, timeout=30,
                          check=False)


def commands():
    said = run_presort("help")
    assert said.returncode == 0
    return [line.split()[0] for line in said.stdout.splitlines()
            if line.startswith("  ")]


def test_every_command_has_help_with_examples():
    names = commands()
    assert {"up", "campaign", "sites", "sink"} < set(names)
    for name in names:
        said = run_presort(name, "--help")
        assert (said.returncode, said.stderr) == (0, ""), name
        assert said.stdout.startswith(f"usage: presort {name}")
        examples = said.stdout.partition("\nFor example:\n\n")[2].splitlines()
        assert examples, name
        assert all(line.startswith(("  presort ", "      "))
                   and len(line) <= 80 for line in examples), examples
        assert any(f" {name}" in line for line in examples), name
        assert run_presort("help", name).stdout == said.stdout
        assert run_presort(name, "x", "-h").stdout == said.stdout


def test_every_command_refuses_an_unknown_option():
    for name in commands():
        said = run_presort(name, "--nonsense")
        assert (said.returncode, said.stdout) == (2, ""), (name, said)
        assert "--nonsense" in said.stderr, name
        assert f"Try `presort {name} --help`." in said.stderr, name


@pytest.mark.parametrize("words, said", [
    (["keyz"], "unknown `keyz`, did you mean `keys`?"),
    (["help", "keyz"], "unknown `keyz`, did you mean `keys`?"),
    (["keys", "lst"], "unknown `keys lst`, did you mean `keys list`?"),
    (["config", "rellay"], "`config rellay`, did you mean `config relay`?"),
    (["--conf", "x", "up"], "unknown option --conf, did you mean --config"),
    (["--config"], "--config wants a file"),
    (["campaign", "send", "--fromm", "x"], "did you mean --from?"),
    (["campaign", "send", "--fromm=x"], "option --fromm, did you mean --from?"),
    (["campaign", "send", "--from"], "--from wants a value"),
    (["campaign", "send", "--watch=1"], "--watch takes no value"),
    (["campaign", "send", "--wat=1"], "--watch takes no value"),
    (["campaign", "send", "-x"], "unknown option -x"),
    (["campaign", "send", "--watch", "-xy"], "unknown option -x"),
    (["campaign", "send", "--from=x", "-wz"], "unknown option -w"),
    (["render", "--template"], "--template wants a value"),
    (["tlsrpt", "--date", "monday"], "\"monday\" is no day such as"),
    (["sink", "--lissten", "x"], "did you mean --listen?")])
def test_a_slip_is_told_with_what_was_meant(words, said):
    ran = run_presort(*words)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert said in ran.stderr


def test_a_wrong_state_directory_is_named():
    environment = dict(os.environ, PRESORT_STATE_DIR="/nowhere")
    for name in ("DATABASE_URL", "PRESORT_API_KEY"):
        environment.pop(name, None)
    for words, said in (("sites", "Is `presort up` running, and /nowhere "),
                        ("rates", "no API key: /nowhere/cli.key: ")):
        ran = subprocess.run([places.PRESORT, words], env=environment,
                             capture_output=True, text=True, check=False)
        assert ran.returncode == 1 and said in ran.stderr, ran

"""A drop that is destroyed while it runs."""

import json

from drops import Drop, Serving, run_server


def destroy(drop: Drop, *words: str) -> tuple[int, str, str]:
    done = run_server("destroy", *words, "--config", drop.config)
    return done.returncode, done.stdout, done.stderr


class TestDestroy:
    def test_ends_the_drop_and_leaves_nothing_that_could_stand_in_for_it(
        self, serving: Serving
    ) -> None:
        drop = serving.drop

        code, said, _ = destroy(drop, "--confirm", "destroy drop", "--json")

        assert code == 0
        assert json.loads(said)["process"] == serving.process.pid
        assert serving.process.wait(60) != 0
        serving.log = serving.process.communicate()[1]
        assert list((drop.folder / "credentials").iterdir()) == []
        assert run_server("serve", "--config", drop.config).returncode == 5

    def test_says_first_what_goes_and_what_stays(self, drop: Drop) -> None:
        code, said, _ = destroy(drop, "--dry-run")

        assert code == 0
        assert str(drop.folder / "credentials/salt") in said
        assert "what it can't erase" in said
        assert "the newsroom's keys open drops on sticks and at desks as before" in said
        assert (drop.folder / "credentials/salt").exists()

    def test_does_nothing_that_nobody_confirmed(self, drop: Drop) -> None:
        unasked, refused = destroy(drop), destroy(drop, "--confirm", "destroy")

        assert (unasked[0], refused[0]) == (2, 3)
        assert "for ever" in unasked[2]
        assert (drop.folder / "credentials/salt").exists()

    def test_what_fails_is_named_and_needs_a_person(self, drop: Drop) -> None:
        unseen = "x" * 300  # as where only root may look: nobody can say whether it is there
        drop.configure(f'[credentials]\ncanary = "desks"\nexport_key = "{unseen}"')

        code, said, told = destroy(drop, "--confirm", "destroy drop")

        assert code == 1
        assert "NOT gone" in told
        assert str(drop.folder / "desks") in told
        assert unseen in told
        assert f"gone: {drop.folder / 'credentials/salt'}" in said

    def test_does_not_wait_for_settings_to_be_mended(self, drop: Drop) -> None:
        drop.config.write_text("no = settings")

        code, _, told = destroy(drop, "--confirm", "destroy drop")

        assert code == 1
        assert "what only the settings name: the onion's keys" in told
        assert list((drop.folder / "credentials").iterdir()) == []

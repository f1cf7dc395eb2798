"""What the tests of this folder stand on."""

from install.machine import Machine


class TestTheMachine:
    def test_systemd_runs_and_nothing_beyond_loopback_can_be_reached(
        self, machine: Machine
    ) -> None:
        assert machine.must("cat", "/proc/1/comm") == "systemd\n"
        assert machine.must("ls", "/sys/class/net") == "lo\n"
        assert machine.must("id", "-un", user="nobody") == "nobody\n"
        assert "Debian" in machine.must("cat", "/etc/os-release")

// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Linux;

namespace Tombolo.Machines.Tests;

public sealed class ExitVerdictTests
{
    [Theory]
    [InlineData("guest-shutdown", 0, false, false)]
    [InlineData("guest-reset", 0, false, true)]    // with panic=-1 and -no-reboot: status 0 and yet a panic
    [InlineData("guest-panic", 0, false, true)]
    [InlineData("host-qmp-quit", 0, false, false)]
    [InlineData("host-signal", 0, false, false)]
    [InlineData(null, 0, false, false)]
    [InlineData(null, 1, false, true)]
    [InlineData(null, 9, true, true)]
    [InlineData("future-reason", 11, true, true)]
    public void Of_ReasonAndExit_TellsFailureFromAnEnd(string? reason, int code, bool bySignal, bool isFailure) =>
        ExitVerdict.Of(reason is null ? null : new("SHUTDOWN", reason, null), new ProcessExit(code, bySignal), null).IsFailure.ShouldBe(isFailure);

    [Fact]
    public void Of_UnknownExit_CountsAsFailure() => ExitVerdict.Of(null, null, null).IsFailure.ShouldBeTrue();

    [Fact]
    public void Of_StatusWithLastWords_RepeatsThem() =>
        ExitVerdict.Of(null, new ProcessExit(1, false), "qemu: cannot open disk").Reason.ShouldBe("QEMU ended with status 1: qemu: cannot open disk");
}

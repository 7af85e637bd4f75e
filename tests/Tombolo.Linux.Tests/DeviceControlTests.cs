// SPDX-License-Identifier: MIT
using Shouldly;
using Xunit;

namespace Tombolo.Linux.Tests;

public sealed class DeviceControlTests
{
    private const uint SetNumber = 0x40044D01;   // _IOW('M', 1, int)

    [Fact]
    public void Call_ArgumentOfAnotherLength_NeverReachesTheKernel()
    {
        using SafeFd fd = EventFd.Create();
        foreach (int length in new[] { 0, 3, 5, 64 })
            Should.Throw<ArgumentException>(() => DeviceControl.Call(fd, SetNumber, new byte[length])).Message.ShouldContain($"takes 4 bytes, not {length}");
    }

    [Fact]
    public void Call_DeviceThatDoesNotKnowIt_SaysWhichError()
    {
        using SafeFd fd = CharacterDevice.OpenBoth("/dev/null");
        DeviceControl.Call(fd, SetNumber, new byte[4]).ShouldBe(25);   // ENOTTY
    }

    /// <summary>A size that the number carries is really what the kernel writes: TIOCGPTN, _IOR('T', 0x30, unsigned int), of a new terminal.</summary>
    [Fact]
    public void Call_DeviceThatAnswers_FillsTheArgument()
    {
        using SafeFd fd = CharacterDevice.OpenBoth("/dev/ptmx");
        byte[] number = [0xFF, 0xFF, 0xFF, 0xFF];
        DeviceControl.Call(fd, 0x80045430, number).ShouldBe(0);
        BitConverter.ToInt32(number).ShouldBeGreaterThanOrEqualTo(0);
    }

    [Fact]
    public void Vfio_NothingThere_SaysWhichNodeAndLeavesNothingOpen() => Testing.FdCount.AssertUnchanged(() =>
        Should.Throw<LinuxException>(() => Vfio.Open("/dev/vfio/no-such-group", "0000:00:01.0")).Message.ShouldContain("/dev/vfio/"));
}

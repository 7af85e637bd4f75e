// SPDX-License-Identifier: MIT
using System.Globalization;
using Shouldly;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Linux.Tests;

/// <summary>Who a process is, and whether it lives. Source: proc(5), pidfd_open(2), kill(2).</summary>
public sealed class LinuxProcessTests
{
    private readonly EpollReport[] _reports = new EpollReport[1];

    [Fact]
    public void StartTimeOf_Self_IsSteadyAndOfAChildNotSmaller()
    {
        long? own = LinuxProcess.StartTimeOf(Environment.ProcessId);
        _ = own.ShouldNotBeNull();
        LinuxProcess.StartTimeOf(Environment.ProcessId).ShouldBe(own);
        using var child = new Child("cat");
        LinuxProcess.StartTimeOf(child.Id).ShouldNotBeNull().ShouldBeGreaterThanOrEqualTo(own.Value);
    }

    [Fact]
    public void StartTimeOf_NameWithBracketsAndBlanks_IsStillRead()
    {
        using var folder = new TemporaryFolder();
        string program = folder["a ) Z 1 (b"];
        File.Copy("/bin/cat", program);
        File.SetUnixFileMode(program, (UnixFileMode)0x1ED);
        using var child = new Child(program);
        Watchdog.Until(() => File.ReadAllText($"/proc/{child.Id}/stat").Contains("a ) Z 1 (b", StringComparison.Ordinal), "the child runs its program");
        LinuxProcess.StartTimeOf(child.Id).ShouldNotBeNull().ShouldBeGreaterThan(0);
    }

    [Fact]
    public void Zombie_HasNoStartTimeButAReadableDescriptor()
    {
        // The shell starts a process, becomes a program that never asks for it, and only then that process may end.
        using var folder = new TemporaryFolder();
        using var parent = new Child("sh", "-c", $"mkfifo {folder["end"]}; cat {folder["end"]} & echo $!; exec cat");
        int zombie = int.Parse(parent.ReadLine()!, CultureInfo.InvariantCulture);
        Watchdog.Until(() => File.ReadAllText($"/proc/{parent.Id}/comm") == "cat\n", "the shell became cat");
        File.WriteAllText(folder["end"], "");
        Watchdog.Until(() => File.ReadAllText($"/proc/{zombie}/stat").Contains(") Z ", StringComparison.Ordinal), "the process is a zombie");
        LinuxProcess.StartTimeOf(zombie).ShouldBeNull();
        LinuxProcess.TrySignal(zombie, Signal.Terminate).ShouldBeTrue();   // which is why kill alone cannot tell whether somebody lives
        using SafeFd? fd = LinuxProcess.TryOpen(zombie);
        IsReadable(fd.ShouldNotBeNull(), TimeSpan.Zero).ShouldBeTrue();
    }

    [Fact]
    public void TryOpen_ProcessEnds_DescriptorBecomesReadable()
    {
        using var child = new Child("cat");
        using SafeFd? fd = LinuxProcess.TryOpen(child.Id);
        Descriptor.IsCloseOnExec(fd.ShouldNotBeNull()).ShouldBeTrue();
        IsReadable(fd, TimeSpan.Zero).ShouldBeFalse();
        LinuxProcess.TrySignal(child.Id, Signal.Kill).ShouldBeTrue();
        IsReadable(fd, Watchdog.Limit).ShouldBeTrue();
    }

    [Fact]
    public void NoSuchProcess_IsNoException()
    {
        var child = new Child("true");
        int gone = child.Id;
        child.Dispose();
        LinuxProcess.StartTimeOf(gone).ShouldBeNull();
        LinuxProcess.TryOpen(gone).ShouldBeNull();
        LinuxProcess.TrySignal(gone, Signal.Terminate).ShouldBeFalse();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void TrySignal_Groups_AreRefused(int processId) =>
        Should.Throw<ArgumentOutOfRangeException>(() => LinuxProcess.TrySignal(processId, Signal.Terminate));

    [Fact]
    public void TrySignal_AnotherUsersProcess_SaysNotPermitted()
    {
        using var child = new Child("cat");
        int target = LinuxProcess.EffectiveUserId == 0 ? child.Id : 1;
        _ = OtherUser.Run(() => Should.Throw<LinuxException>(() => LinuxProcess.TrySignal(target, Signal.Interrupt)).Errno.ShouldBe(Errno.NotPermitted));
    }

    [Fact]
    public void LookingAtProcesses_LosesNoDescriptor() => FdCount.AssertUnchanged(() =>
    {
        _ = LinuxProcess.StartTimeOf(Environment.ProcessId);
        LinuxProcess.TryOpen(Environment.ProcessId)!.Dispose();
        _ = LinuxProcess.StartTimeOf(int.MaxValue);
        LinuxProcess.TryOpen(int.MaxValue).ShouldBeNull();
    });

    private bool IsReadable(SafeFd fd, TimeSpan timeout)
    {
        using var epoll = new Epoll();
        epoll.Add(fd, EpollEvents.Readable, 0);
        return epoll.Wait(_reports, timeout) == 1;
    }
}

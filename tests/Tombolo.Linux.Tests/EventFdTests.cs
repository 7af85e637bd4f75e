// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Linux.Tests;

/// <summary>What doorbells rely on. Source: eventfd(2).</summary>
public sealed class EventFdTests
{
    [Fact]
    public void TryRead_SeveralSignals_ComeAsOneCount()
    {
        using SafeFd fd = EventFd.Create();
        for (int i = 0; i < 3; i++) EventFd.Signal(fd).ShouldBeTrue();
        EventFd.TryRead(fd, out ulong count).ShouldBeTrue();
        count.ShouldBe(3ul);
        EventFd.TryRead(fd, out count).ShouldBeFalse();
        count.ShouldBe(0ul);
    }

    [Fact]
    public void Create_IsCloseOnExecAndNonBlocking()
    {
        using SafeFd fd = EventFd.Create();
        Descriptor.IsCloseOnExec(fd).ShouldBeTrue();
        Descriptor.IsNonBlocking(fd).ShouldBeTrue();
    }

    [Fact]
    public void Signal_CounterFull_ReturnsFalseAndWakeUpIsStillPending()
    {
        using SafeFd fd = EventFd.Create();
        Pipe.Write(fd, BitConverter.GetBytes(ulong.MaxValue - 1)).Bytes.ShouldBe(8);
        EventFd.Signal(fd).ShouldBeFalse();
        EventFd.TryRead(fd, out ulong count).ShouldBeTrue();
        count.ShouldBe(ulong.MaxValue - 1);
    }

    [Fact]
    public void Signal_NoEventFd_IsNoException()
    {
        using SafeFd folder = SharedFile.Open("/dev", readOnly: true);
        EventFd.Signal(folder).ShouldBeFalse();
        EventFd.TryRead(folder, out _).ShouldBeFalse();
        (SafeFd first, SafeFd second) = UnixSocket.Pair(UnixSocketKind.Stream);
        first.Dispose();
        using (second) EventFd.Signal(second).ShouldBeFalse();   // EPIPE, and no signal ends the process
    }

    [Fact]
    public void TryRead_PeerMadeTheOpenFileBlocking_StillDoesNotWait()
    {
        // O_NONBLOCK belongs to the open file, which every peer shares: any of them can take it away.
        using SafeFd fd = EventFd.Create();
        Descriptor.MakeBlocking(fd);
        Watchdog.Run(() => EventFd.TryRead(fd, out _).ShouldBeFalse());
        _ = EventFd.Signal(fd);
        EventFd.TryRead(fd, out ulong count).ShouldBeTrue();
        count.ShouldBe(1ul);
    }

    [Fact]
    public void IdentityOf_TellsEventFdsApart()
    {
        using SafeFd one = EventFd.Create(), two = EventFd.Create(), duplicate = one.Duplicate();
        int? first = EventFd.IdentityOf($"/proc/self/fdinfo/{one.Number}");
        _ = first.ShouldNotBeNull();
        EventFd.IdentityOf($"/proc/self/fdinfo/{duplicate.Number}").ShouldBe(first);
        EventFd.IdentityOf($"/proc/self/fdinfo/{two.Number}").ShouldNotBe(first);
        SharedFile.IdentityOf($"/proc/self/fd/{one.Number}").ShouldBe(SharedFile.IdentityOf($"/proc/self/fd/{two.Number}"));   // the inode cannot tell them apart
    }

    [Fact]
    public void IdentityOf_NoEventFd_IsNull()
    {
        using SafeFd memory = Memfd.Create("no eventfd", 4096);
        EventFd.IdentityOf($"/proc/self/fdinfo/{memory.Number}").ShouldBeNull();
        EventFd.IdentityOf("/proc/self/fdinfo/999999").ShouldBeNull();
    }
}

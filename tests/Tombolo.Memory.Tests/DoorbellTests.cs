// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Linux;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Memory.Tests;

public sealed class DoorbellTests
{
    [Fact]
    public void Ring_SeveralTimes_IsTakenOnce()
    {
        using var bell = Doorbell.Create();
        bell.TryTake().ShouldBeFalse();
        bell.Ring().ShouldBeTrue();
        bell.Ring().ShouldBeTrue();
        bell.TryTake().ShouldBeTrue();
        bell.TryTake().ShouldBeFalse();
    }

    [Fact]
    public void Ring_ThroughADuplicate_WakesWhoWaits()
    {
        using var bell = Doorbell.Create();
        using var theirs = new Doorbell(bell.Descriptor.Duplicate());
        using var epoll = new Epoll();
        epoll.Add(bell.Descriptor, EpollEvents.Readable, 1);
        theirs.Ring().ShouldBeTrue();
        epoll.Wait(new EpollReport[1], Watchdog.Limit).ShouldBe(1);
    }

    [Fact]
    public void Dispose_ClosesItsDescriptor() => FdCount.AssertUnchanged(() => Doorbell.Create().Dispose());

    [Fact]
    public void Ring_WhatIsNoEventFd_ReturnsFalse()
    {
        using var bell = new Doorbell(SharedFile.Open("/dev", readOnly: true));
        bell.Ring().ShouldBeFalse();
        bell.TryTake().ShouldBeFalse();
    }
}

// SPDX-License-Identifier: MIT
using System.Diagnostics;
using Shouldly;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Linux.Tests;

/// <summary>What the loops rely on. Source: epoll(7).</summary>
public sealed class EpollTests : IDisposable
{
    private readonly Epoll _epoll = new();
    private readonly SafeFd _event = EventFd.Create();
    private readonly EpollReport[] _reports = new EpollReport[8];

    public void Dispose()
    {
        _event.Dispose();
        _epoll.Dispose();
    }

    [Fact]
    public void Wait_TokensBeyond32Bits_ComeBackWhole()
    {
        using SafeFd other = EventFd.Create();
        _epoll.Add(_event, EpollEvents.Readable, 0xFEDC_BA98_7654_3210);
        _epoll.Add(other, EpollEvents.Readable, 0x0000_0001_7654_3210);
        _ = EventFd.Signal(_event);
        _ = EventFd.Signal(other);
        Wait().Select(report => report.Token).Order().ShouldBe([0x0000_0001_7654_3210ul, 0xFEDC_BA98_7654_3210ul]);
    }

    [Fact]
    public void Wait_StateLasts_ReportsAgain()
    {
        _epoll.Add(_event, EpollEvents.Readable, 1);
        _ = EventFd.Signal(_event);
        Wait().ShouldHaveSingleItem().ShouldBe(new EpollReport(EpollEvents.Readable, 1));
        Wait().ShouldHaveSingleItem();
        _ = EventFd.TryRead(_event, out _);
        Wait().ShouldBeEmpty();
    }

    [Fact]
    public void Wait_EdgeTriggered_ReportsEachChangeOnce()
    {
        _epoll.Add(_event, EpollEvents.Readable | EpollEvents.EdgeTriggered, 1);
        _ = EventFd.Signal(_event);
        Wait().ShouldHaveSingleItem();
        Wait().ShouldBeEmpty();
        _ = EventFd.Signal(_event);   // not read in between: a new signal is a new edge
        Wait().ShouldHaveSingleItem();
        EventFd.TryRead(_event, out ulong count).ShouldBeTrue();
        count.ShouldBe(2ul);
    }

    [Fact]
    public void Wait_EdgeTriggered_ReportsWhatWasThereBeforeAdd()
    {
        _ = EventFd.Signal(_event);
        _epoll.Add(_event, EpollEvents.Readable | EpollEvents.EdgeTriggered, 1);
        Wait().ShouldHaveSingleItem();
    }

    [Fact]
    public void Wait_PeerClosed_ReportsHangUp()
    {
        (SafeFd first, SafeFd second) = UnixSocket.Pair(UnixSocketKind.Stream);
        using (first)
        {
            _epoll.Add(first, EpollEvents.Readable | EpollEvents.ReadHangUp, 5);
            Wait().ShouldBeEmpty();
            second.Dispose();
            EpollReport report = Wait().ShouldHaveSingleItem();
            report.Events.ShouldBe(EpollEvents.Readable | EpollEvents.HangUp | EpollEvents.ReadHangUp);
        }
    }

    [Fact]
    public void Wait_NothingAskedFor_StillReportsHangUp()
    {
        (SafeFd first, SafeFd second) = UnixSocket.Pair(UnixSocketKind.Stream);
        using (first)
        {
            _epoll.Add(first, EpollEvents.None, 5);
            _ = UnixSocket.Send(second, "x"u8);
            Wait().ShouldBeEmpty();
            second.Dispose();
            Wait().ShouldHaveSingleItem().Events.ShouldBe(EpollEvents.HangUp);
        }
    }

    [Fact]
    public void Wait_Writable_OnlyWhileThereIsRoom()
    {
        (SafeFd first, SafeFd second) = UnixSocket.Pair(UnixSocketKind.Stream);
        using (first)
        using (second)
        {
            _epoll.Add(first, EpollEvents.Writable, 5);
            Wait().ShouldHaveSingleItem().Events.ShouldBe(EpollEvents.Writable);
            byte[] bytes = new byte[65536];
            while (UnixSocket.Send(first, bytes).IsMoved) { }
            Wait().ShouldBeEmpty();
            using var inbox = new FdInbox();
            while (UnixSocket.Receive(second, bytes, inbox).IsMoved) { }
            Wait().ShouldHaveSingleItem().Events.ShouldBe(EpollEvents.Writable);
        }
    }

    [Fact]
    public void Change_NewTokenAndEvents_Apply()
    {
        _epoll.Add(_event, EpollEvents.None, 1);
        _ = EventFd.Signal(_event);
        Wait().ShouldBeEmpty();
        _epoll.Change(_event, EpollEvents.Readable, 2);
        Wait().ShouldHaveSingleItem().Token.ShouldBe(2ul);
    }

    [Fact]
    public void Remove_WatchedOrNot_EndsInSilence()
    {
        _epoll.Add(_event, EpollEvents.Readable, 1);
        _epoll.Remove(_event);
        _epoll.Remove(_event);
        _ = EventFd.Signal(_event);
        Wait().ShouldBeEmpty();
    }

    [Fact]
    public void Dispose_OfAWatchedDescriptorThatHasADuplicate_DoesNotEndTheWatch()
    {
        // That is why loops call Remove before they close what another process holds too.
        SafeFd watched = EventFd.Create();
        using SafeFd duplicate = watched.Duplicate();
        _epoll.Add(watched, EpollEvents.Readable, 1);
        watched.Dispose();
        _ = EventFd.Signal(duplicate);
        Wait().ShouldHaveSingleItem();
    }

    [Fact]
    public void Descriptor_OfTheInstance_IsReadableWhileThereIsSomethingToReport()
    {
        using var outer = new Epoll();
        _epoll.Add(_event, EpollEvents.Readable, 1);
        outer.Add(_epoll.Descriptor, EpollEvents.Readable, 9);
        outer.Wait(_reports, TimeSpan.Zero).ShouldBe(0);
        _ = EventFd.Signal(_event);
        outer.Wait(_reports, TimeSpan.Zero).ShouldBe(1);
        _reports[0].Token.ShouldBe(9ul);
        Descriptor.IsCloseOnExec(_epoll.Descriptor).ShouldBeTrue();
    }

    [Fact]
    public void Wait_PartOfAMillisecond_IsNeverCutOff()
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < 20; i++) _epoll.Wait(_reports, TimeSpan.FromMicroseconds(1900)).ShouldBe(0);
        Stopwatch.GetElapsedTime(start).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMicroseconds(20 * 1900));
    }

    [Fact]
    public void Wait_MoreReportsThanRoom_GivesTheRestNextTime()
    {
        using var many = new Many(20);
        foreach ((SafeFd fd, int at) in many.Fds.Select((fd, at) => (fd, at)))
        {
            _epoll.Add(fd, EpollEvents.Readable | EpollEvents.EdgeTriggered, (ulong)at);
            _ = EventFd.Signal(fd);
        }
        ulong[] all = [.. Wait().Concat(Wait()).Concat(Wait()).Select(report => report.Token).Order()];
        all.ShouldBe(Enumerable.Range(0, 20).Select(at => (ulong)at));
    }

    [Fact]
    public void FailingCalls_SayWhyAndLoseNoDescriptor() => FdCount.AssertUnchanged(() =>
    {
        using var epoll = new Epoll();
        using SafeFd file = SharedFile.Open(typeof(EpollTests).Assembly.Location, readOnly: true);
        Should.Throw<LinuxException>(() => epoll.Add(file, EpollEvents.Readable, 1)).Errno.ShouldBe(Errno.NotPermitted);
        Should.Throw<LinuxException>(() => epoll.Change(_event, EpollEvents.Readable, 1)).Errno.ShouldBe(Errno.NoEntry);
        epoll.Add(_event, EpollEvents.Readable, 1);
        Should.Throw<LinuxException>(() => epoll.Add(_event, EpollEvents.Readable, 1)).Errno.ShouldBe(Errno.Exists);
    });

    private EpollReport[] Wait() => _reports[.._epoll.Wait(_reports, TimeSpan.Zero)];

    private sealed class Many(int count) : IDisposable
    {
        public SafeFd[] Fds { get; } = [.. Enumerable.Range(0, count).Select(_ => EventFd.Create())];

        public void Dispose() => Array.ForEach(Fds, fd => fd.Dispose());
    }

    // What Tombolo.Regions builds on: each watcher sees each ring, though nobody takes any.
    [Fact]
    public void EdgeTriggered_EventFdThatNobodyReads_ReportsEachRingToEachWatcher()
    {
        using SafeFd bell = EventFd.Create();
        using Epoll one = new(), two = new();
        one.Add(bell, EpollEvents.Readable | EpollEvents.EdgeTriggered, 1);
        two.Add(bell, EpollEvents.Readable | EpollEvents.EdgeTriggered, 2);
        Span<EpollReport> reports = stackalloc EpollReport[1];
        for (int ring = 0; ring < 100; ring++)
        {
            EventFd.Signal(bell);
            one.Wait(reports, TimeSpan.Zero).ShouldBe(1);
            two.Wait(reports, TimeSpan.Zero).ShouldBe(1);
            one.Wait(reports, TimeSpan.Zero).ShouldBe(0);
        }
    }
}

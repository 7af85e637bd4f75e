// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Linux.Tests;

/// <summary>What sending and receiving descriptors relies on. Source: unix(7), sendmsg(2), recvmsg(2).</summary>
public sealed class UnixSocketMessagesTests : IDisposable
{
    private readonly SafeFd _sender;
    private readonly SafeFd _receiver;
    private readonly SafeFd _gift = EventFd.Create();
    private readonly FdInbox _inbox = new();
    private readonly byte[] _buffer = new byte[1 << 16];

    public UnixSocketMessagesTests() => (_sender, _receiver) = UnixSocket.Pair(UnixSocketKind.Stream);

    public void Dispose()
    {
        _inbox.Dispose();
        _gift.Dispose();
        _sender.Dispose();
        _receiver.Dispose();
    }

    [Fact]
    public void Receive_Descriptor_ComesCloseOnExecAndIsTheSameFile()
    {
        UnixSocket.Send(_sender, "12345678"u8, _gift).ShouldBe(new SocketResult(8, 0));
        UnixSocket.Receive(_receiver, _buffer, _inbox).ShouldBe(new SocketResult(8, 0));
        _inbox.TryTake(out SafeFd? came).ShouldBeTrue();
        using (came)
        {
            Descriptor.IsCloseOnExec(came).ShouldBeTrue();
            EventFd.Signal(came).ShouldBeTrue();
        }
        EventFd.TryRead(_gift, out ulong count).ShouldBeTrue();
        count.ShouldBe(1ul);
    }

    [Fact]
    public void Receive_OneByteAtATime_DescriptorComesWithTheFirst()
    {
        _ = UnixSocket.Send(_sender, "12345678"u8, _gift);
        UnixSocket.Receive(_receiver, _buffer.AsSpan(0, 1), _inbox).Bytes.ShouldBe(1);
        _inbox.Count.ShouldBe(1);
        UnixSocket.Receive(_receiver, _buffer, _inbox).Bytes.ShouldBe(7);
        _inbox.Count.ShouldBe(1);
    }

    [Fact]
    public void Receive_TwoMessagesWithDescriptors_AreNeverMerged()
    {
        using SafeFd second = EventFd.Create();
        _ = UnixSocket.Send(_sender, "12345678"u8, _gift);
        _ = UnixSocket.Send(_sender, "12345678"u8, second);
        UnixSocket.Receive(_receiver, _buffer, _inbox).Bytes.ShouldBe(8);
        _inbox.Count.ShouldBe(1);
        UnixSocket.Receive(_receiver, _buffer, _inbox).Bytes.ShouldBe(8);
        _inbox.Count.ShouldBe(2);
    }

    [Fact]
    public void Receive_PlainMessageThenOneWithDescriptor_IsMergedUnlessAskedForOneMessage()
    {
        for (int round = 0; round < 2; round++)
        {
            _ = UnixSocket.Send(_sender, "plain..."u8);
            _ = UnixSocket.Send(_sender, "with fd."u8, _gift);
        }
        // Sixteen bytes and a descriptor: nobody could tell whose it is. That is why readers ask for the rest of one message at a time.
        UnixSocket.Receive(_receiver, _buffer, _inbox).Bytes.ShouldBe(16);
        _inbox.Count.ShouldBe(1);
        UnixSocket.Receive(_receiver, _buffer.AsSpan(0, 8), _inbox).Bytes.ShouldBe(8);
        _inbox.Count.ShouldBe(1);
        UnixSocket.Receive(_receiver, _buffer.AsSpan(0, 8), _inbox).Bytes.ShouldBe(8);
        _inbox.Count.ShouldBe(2);
    }

    [Fact]
    public void Send_FullSocket_MovesNeitherByteNorDescriptor()
    {
        int sent = 0;
        SocketResult last;
        while ((last = UnixSocket.Send(_sender, "12345678"u8, _gift)).IsMoved)
        {
            last.Bytes.ShouldBe(8);
            sent++;
        }
        last.ShouldBe(new SocketResult(0, Errno.WouldBlock));
        last.IsWouldBlock.ShouldBeTrue();
        last.IsClosed.ShouldBeFalse();
        int received = 0;
        while (UnixSocket.Receive(_receiver, _buffer, _inbox) is { IsMoved: true } result)
        {
            result.Bytes.ShouldBe(8);
            _inbox.Count.ShouldBe(1);
            _inbox.Clear();
            received++;
        }
        received.ShouldBe(sent);
    }

    [Fact]
    public void Send_MoreThanFits_DescriptorGoesOnceWithTheFirstPart()
    {
        byte[] much = new byte[4 << 20];
        new Random(1).NextBytes(much);
        SocketResult first = UnixSocket.Send(_sender, much, _gift);
        first.Bytes.ShouldBeInRange(1, much.Length - 1);
        int sent = first.Bytes, received = 0;
        while (received < much.Length)
        {
            SocketResult result = UnixSocket.Receive(_receiver, _buffer, _inbox);
            result.IsMoved.ShouldBeTrue();
            _buffer.AsSpan(0, result.Bytes).SequenceEqual(much.AsSpan(received, result.Bytes)).ShouldBeTrue();
            received += result.Bytes;
            if (sent < much.Length) sent += UnixSocket.Send(_sender, much.AsSpan(sent)).Bytes;
        }
        _inbox.Count.ShouldBe(1);
    }

    [Fact]
    public void Send_AsManyDescriptorsAsOneMessageMayCarry_AllArrive()
    {
        SafeFd[] gifts = [.. Enumerable.Repeat(_gift, UnixSocket.MaxFdsPerMessage)];
        UnixSocket.Send(_sender, "x"u8, gifts).Bytes.ShouldBe(1);
        UnixSocket.Receive(_receiver, _buffer, _inbox).Bytes.ShouldBe(1);
        _inbox.Count.ShouldBe(UnixSocket.MaxFdsPerMessage);
        _inbox.WasTruncated.ShouldBeFalse();
        _ = Should.Throw<ArgumentOutOfRangeException>(() => UnixSocket.Send(_sender, "x"u8, [.. gifts, _gift]));
    }

    [Fact]
    public void Send_NoByte_IsRefused() =>
        Should.Throw<ArgumentOutOfRangeException>(() => UnixSocket.Send(_sender, [], _gift));

    [Fact]
    public void Send_DisposedDescriptor_IsRefusedAndHoldsNoOther()
    {
        SafeFd gone = EventFd.Create();
        gone.Dispose();
        SafeFd other = EventFd.Create();
        string where = $"/proc/self/fd/{other.Number}";
        _ = Should.Throw<ObjectDisposedException>(() => UnixSocket.Send(_sender, "x"u8, other, gone));
        other.Dispose();
        Path.Exists(where).ShouldBeFalse();   // a reference that was not given back would keep it open
        UnixSocket.Receive(_receiver, _buffer, _inbox).IsWouldBlock.ShouldBeTrue();
    }

    [Fact]
    public void Send_OtherEndClosed_ReportsClosedAndRaisesNoSignal()
    {
        _receiver.Dispose();
        SocketResult result = UnixSocket.Send(_sender, "x"u8, _gift);
        result.ShouldBe(new SocketResult(0, Errno.BrokenPipe));
        result.IsClosed.ShouldBeTrue();
    }

    [Fact]
    public void Receive_NothingThere_WouldBlock()
    {
        SocketResult result = UnixSocket.Receive(_receiver, _buffer, _inbox);
        result.IsWouldBlock.ShouldBeTrue();
        result.IsClosed.ShouldBeFalse();
    }

    [Fact]
    public void Receive_OtherEndClosed_GivesWhatWasSentThenTheEnd()
    {
        _ = UnixSocket.Send(_sender, "12345678"u8, _gift);
        _sender.Dispose();
        UnixSocket.Receive(_receiver, _buffer, _inbox).Bytes.ShouldBe(8);
        _inbox.Count.ShouldBe(1);
        SocketResult end = UnixSocket.Receive(_receiver, _buffer, _inbox);
        end.ShouldBe(new SocketResult(0, 0));
        end.IsClosed.ShouldBeTrue();
    }

    [Fact]
    public void Receive_OtherEndClosedWithBytesUnread_ReportsClosed()
    {
        _ = UnixSocket.Send(_receiver, "never read"u8);
        _sender.Dispose();
        UnixSocket.Receive(_receiver, _buffer, _inbox).IsClosed.ShouldBeTrue();
    }

    [Fact]
    public void SendAndReceive_SharedOpenFileMadeBlocking_StillDoNotWait()
    {
        Descriptor.MakeBlocking(_sender);
        Descriptor.MakeBlocking(_receiver);
        Watchdog.Run(() =>
        {
            UnixSocket.Receive(_receiver, _buffer, _inbox).IsWouldBlock.ShouldBeTrue();
            while (UnixSocket.Send(_sender, _buffer).IsMoved) { }
        });
    }

    [Fact]
    public void Receive_NoRoomForDescriptors_SaysSoAndLosesNone()
    {
        using Child child = Child.Under<UnixSocketMessagesTests>(["prlimit", "--nofile=256:256"], "fill");
        child.ReadLine().ShouldBe("sent 1, received 1, descriptors 2, truncated True, room afterwards 2");
    }

    [Fact]
    public void Inbox_NobodyTakes_ClosesThemOnDispose() => FdCount.AssertUnchanged(() =>
    {
        using var inbox = new FdInbox();
        _ = UnixSocket.Send(_sender, "x"u8, _gift, _gift);
        _ = UnixSocket.Receive(_receiver, _buffer, inbox);
        inbox.Count.ShouldBe(2);
    });

    [Fact]
    public void UnreadByPeer_AfterEverythingWasRead_IsZero()
    {
        UnixSocket.UnreadByPeer(_sender).ShouldBe(0);
        _ = UnixSocket.Send(_sender, "12345678"u8, _gift);
        UnixSocket.UnreadByPeer(_sender).ShouldBeGreaterThan(0);
        _ = UnixSocket.Receive(_receiver, _buffer.AsSpan(0, 7), _inbox);
        UnixSocket.UnreadByPeer(_sender).ShouldBeGreaterThan(0);
        _ = UnixSocket.Receive(_receiver, _buffer, _inbox);
        UnixSocket.UnreadByPeer(_sender).ShouldBe(0);
    }

    [Fact]
    public void SequencedPackets_KeepTheirBorders()
    {
        (SafeFd sender, SafeFd receiver) = UnixSocket.Pair(UnixSocketKind.SequencedPacket);
        using (sender)
        using (receiver)
        {
            _ = UnixSocket.Send(sender, "one"u8);
            _ = UnixSocket.Send(sender, "three"u8, _gift);
            UnixSocket.Receive(receiver, _buffer, _inbox).Bytes.ShouldBe(3);
            _inbox.Count.ShouldBe(0);
            UnixSocket.Receive(receiver, _buffer, _inbox).Bytes.ShouldBe(5);
            _inbox.Count.ShouldBe(1);
        }
    }

    [Fact]
    public void Wait_ReportsRoomBytesAndTime()
    {
        UnixSocket.Wait(_sender, forReading: false, TimeSpan.Zero).ShouldBeTrue();
        UnixSocket.Wait(_receiver, forReading: true, TimeSpan.FromMilliseconds(1)).ShouldBeFalse();
        while (UnixSocket.Send(_sender, _buffer).IsMoved) { }
        UnixSocket.Wait(_sender, forReading: false, TimeSpan.FromMilliseconds(1)).ShouldBeFalse();
        UnixSocket.Wait(_receiver, forReading: true, TimeSpan.Zero).ShouldBeTrue();
        _receiver.Dispose();
        UnixSocket.Wait(_sender, forReading: true, TimeSpan.Zero).ShouldBeTrue();   // the other end is gone
    }
}

// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Linux.Tests;

/// <summary>A message leaves the pipe and enters the socket in one system call, whole or not at all: a server that dies in between leaves no doubt. Source: pipe(7), splice(2).</summary>
public sealed class PipeTests : IDisposable
{
    private readonly SafeFd _reader;
    private readonly SafeFd _writer;
    private readonly SafeFd _socket;
    private readonly SafeFd _other;
    private readonly FdInbox _inbox = new();
    private readonly byte[] _buffer = new byte[65536];

    public PipeTests()
    {
        (_reader, _writer) = Pipe.Create();
        (_socket, _other) = UnixSocket.Pair(UnixSocketKind.Stream);
    }

    public void Dispose()
    {
        foreach (SafeFd fd in new[] { _reader, _writer, _socket, _other }) fd.Dispose();
        _inbox.Dispose();
    }

    [Fact]
    public void SpliceTo_RoomInTheSocket_MovesTheWholeMessage()
    {
        Pipe.Write(_writer, "12345678"u8).Bytes.ShouldBe(8);
        Pipe.Waiting(_reader).ShouldBe(8);
        Pipe.SpliceTo(_reader, _socket, 8).ShouldBe(new SocketResult(8, 0));
        Pipe.Waiting(_reader).ShouldBe(0);
        UnixSocket.Receive(_other, _buffer, _inbox).Bytes.ShouldBe(8);
        _buffer.AsSpan(0, 8).SequenceEqual("12345678"u8).ShouldBeTrue();
    }

    [Theory]
    [InlineData(8)]
    [InlineData(16)]
    public void SpliceTo_SocketFillsUp_EveryMessageMovesWholeOrStaysWhole(int length)
    {
        byte[] message = new byte[length];
        int sent = 0;
        while (true)
        {
            BitConverter.TryWriteBytes(message, (long)sent).ShouldBeTrue();
            Pipe.Write(_writer, message).Bytes.ShouldBe(length);
            SocketResult result = Pipe.SpliceTo(_reader, _socket, length);
            if (!result.IsMoved)
            {
                result.IsWouldBlock.ShouldBeTrue();
                Pipe.Waiting(_reader).ShouldBe(length);
                break;
            }
            result.Bytes.ShouldBe(length);
            Pipe.Waiting(_reader).ShouldBe(0);
            sent++;
        }
        int received = Drain();
        received.ShouldBe(sent * length);
        Pipe.SpliceTo(_reader, _socket, length).Bytes.ShouldBe(length);   // what stayed goes out now
        UnixSocket.Receive(_other, _buffer, _inbox).Bytes.ShouldBe(length);
        BitConverter.ToInt64(_buffer).ShouldBe(sent);
    }

    [Fact]
    public void SpliceTo_SocketFilledByOrdinarySends_MovesNothing()
    {
        while (UnixSocket.Send(_socket, _buffer).IsMoved) { }
        while (UnixSocket.Send(_socket, "x"u8).IsMoved) { }
        _ = Pipe.Write(_writer, "12345678"u8);
        Pipe.SpliceTo(_reader, _socket, 8).IsWouldBlock.ShouldBeTrue();
        Pipe.Waiting(_reader).ShouldBe(8);
    }

    [Fact]
    public void SpliceTo_BetweenMessagesWithDescriptors_KeepsTheOrder()
    {
        using SafeFd gift = EventFd.Create();
        _ = UnixSocket.Send(_socket, "first..."u8, gift);
        _ = Pipe.Write(_writer, "second.."u8);
        _ = Pipe.SpliceTo(_reader, _socket, 8);
        _ = UnixSocket.Send(_socket, "third..."u8, gift);
        string text = "";
        while (UnixSocket.Receive(_other, _buffer.AsSpan(0, 8), _inbox) is { IsMoved: true } result) text += System.Text.Encoding.ASCII.GetString(_buffer, 0, result.Bytes);
        text.ShouldBe("first...second..third...");
        _inbox.Count.ShouldBe(2);
    }

    [Fact]
    public void SpliceTo_OtherEndClosed_ReportsClosedAndRaisesNoSignal()
    {
        _other.Dispose();
        _ = Pipe.Write(_writer, "12345678"u8);
        Pipe.SpliceTo(_reader, _socket, 8).IsClosed.ShouldBeTrue();
        Pipe.Waiting(_reader).ShouldBe(8);
    }

    [Fact]
    public void SpliceTo_EmptyPipe_WouldBlock() => Pipe.SpliceTo(_reader, _socket, 8).IsWouldBlock.ShouldBeTrue();

    [Fact]
    public void Write_NoReaderLeft_IsReportedAndRaisesNoSignal()
    {
        _reader.Dispose();
        Pipe.Write(_writer, "x"u8).ShouldBe(new SocketResult(0, Errno.BrokenPipe));
    }

    [Fact]
    public void Write_FullPipe_TakesShortMessagesWholeOrNotAtAll()
    {
        byte[] message = new byte[24];   // no divisor of the pipe's size
        while (Pipe.Write(_writer, message) is { IsMoved: true } result) result.Bytes.ShouldBe(message.Length);
        (Pipe.Waiting(_reader) % message.Length).ShouldBe(0);
    }

    [Fact]
    public void Create_EndsAreCloseOnExecAndNonBlocking()
    {
        foreach (SafeFd fd in new[] { _reader, _writer })
        {
            Descriptor.IsCloseOnExec(fd).ShouldBeTrue();
            Descriptor.IsNonBlocking(fd).ShouldBeTrue();
        }
        Pipe.Read(_reader, _buffer).IsWouldBlock.ShouldBeTrue();
    }

    private int Drain()
    {
        int total = 0;
        while (UnixSocket.Receive(_other, _buffer, _inbox) is { IsMoved: true } result) total += result.Bytes;
        return total;
    }
}

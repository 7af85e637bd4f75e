// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using Shouldly;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Linux.Tests;

/// <summary>The kernel writes how much it moved before the call returns: also where the process is killed in that call.</summary>
public sealed class CountedTransferTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void SendAndReceive_SayWhatMoved()
    {
        (SafeFd first, SafeFd second) = UnixSocket.Pair(UnixSocketKind.Stream);
        using SafeFd one = first, two = second;
        byte[] record = new byte[CountedTransfer.RecordBytes], buffer = new byte[100];
        CountedTransfer.Receive(two, buffer, record).ShouldBe(new(0, Errno.WouldBlock));
        CountedTransfer.CountOf(record).ShouldBe(0);
        CountedTransfer.Send(one, "hello"u8, record).ShouldBe(new(5, 0));
        CountedTransfer.CountOf(record).ShouldBe(5);
        CountedTransfer.Receive(two, buffer, record).ShouldBe(new(5, 0));
        (CountedTransfer.CountOf(record), buffer[..5].AsSpan().SequenceEqual("hello"u8)).ShouldBe((5, true));
        one.Dispose();
        CountedTransfer.Receive(two, buffer, record).ShouldBe(new(0, 0));
        CountedTransfer.Send(two, "x"u8, record).Errno.ShouldBe(Errno.BrokenPipe);
    }

    [Fact]
    public void Receive_DescriptorsThatNobodyAskedFor_AreClosed()
    {
        (SafeFd first, SafeFd second) = UnixSocket.Pair(UnixSocketKind.Stream);
        using SafeFd one = first, two = second;
        (SafeFd reader, SafeFd writer) = Pipe.Create();
        using SafeFd end = reader;
        UnixSocket.Send(one, "x"u8, writer).IsMoved.ShouldBeTrue();
        writer.Dispose();
        CountedTransfer.Receive(two, new byte[8], new byte[CountedTransfer.RecordBytes]).Bytes.ShouldBe(1);
        Pipe.Read(end, new byte[8]).ShouldBe(new(0, 0));   // nobody holds the writing end any more
    }

    [Fact]
    public void KilledWhileSending_TheRecordSaysWhetherItWasSent()
    {
        string path = _folder["record"], socket = _folder["s"];
        Random random = new(20260917);
        using SafeFd listener = UnixSocket.Listen(socket, UnixSocketKind.Stream);
        int undecided = 0;
        for (int round = 0; round < 15 || (undecided == 0 && round < 300); round++)   // on, until one kill came between the call and the note of it
        {
            File.WriteAllBytes(path, new byte[4096]);
            using Child child = Child.Of<CountedTransferTests>("counted", path, socket);
            SafeFd? accepted = null;
            Watchdog.Until(() => (accepted = UnixSocket.TryAccept(listener, out _)) is not null, "the child to connect");
            using SafeFd peer = accepted!;
            long received = 0, killAt = random.Next(1, 2_000_000);
            byte[] buffer = new byte[64 << 10];
            bool isKilled = false;
            Watchdog.Until(() =>
            {
                using FdInbox inbox = new();
                SocketResult result = UnixSocket.Receive(peer, buffer, inbox);
                received += result.Bytes;
                if (received >= killAt && !isKilled)
                {
                    _ = LinuxProcess.TrySignal(child.Id, Signal.Kill);   // somewhere in its loop
                    isKilled = true;
                }
                return result.IsClosed;
            }, "the child to be dead");
            byte[] left = File.ReadAllBytes(path);
            long sent = MemoryMarshal.Read<long>(left), before = MemoryMarshal.Read<long>(left.AsSpan(8));
            if (before == sent && CountedTransfer.CountOf(left.AsSpan(64)) > 0) undecided++;
            if (before != sent) before.ShouldBe(sent - CountedTransfer.CountOf(left.AsSpan(64)));
            if (before == sent) sent += CountedTransfer.CountOf(left.AsSpan(64));
            received.ShouldBe(sent, $"round {round}");
        }
        undecided.ShouldBePositive("no kill came between the call and the note of it: the test tests nothing");
    }

    /// <summary>The child: sends until it is killed, and writes down how much.</summary>
    internal static unsafe int SendForEver(string path, string socket)
    {
        using SafeFd fd = SharedFile.Open(path);
        using MemoryMapping mapping = MemoryMapping.Map(fd, 4096);
        using SafeFd peer = UnixSocket.Connect(socket, UnixSocketKind.Stream);
        byte[] bytes = new byte[1000];
        // SAFETY: the mapping is a page long and lives to the end of the method.
        long* sent = (long*)mapping.Address, before = sent + 1;
        Span<byte> record = new((byte*)mapping.Address + 64, CountedTransfer.RecordBytes);
        for (int i = 0; ; i++)
        {
            record.Clear();
            Volatile.Write(ref *before, *sent);
            SocketResult result = CountedTransfer.Send(peer, bytes.AsSpan(0, 1 + (i % 1000)), record);
            if (result.IsMoved) Volatile.Write(ref *sent, *sent + result.Bytes);
            else if (result.IsWouldBlock) _ = UnixSocket.Wait(peer, forReading: false, Watchdog.Limit);
            else return 1;
        }
    }
}

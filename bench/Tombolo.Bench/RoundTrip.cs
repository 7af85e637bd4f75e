// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using Tombolo.Ivshmem;
using Tombolo.Linux;
using Tombolo.Mailbox;

namespace Tombolo.Bench;

/// <summary>One side of a round trip between two processes: the pinging side measures, the other answers until it is killed.</summary>
internal static class RoundTrip
{
    private const int MailBytes = 64;   // as much as pingpong.c sends over its socket

    public static void Run(bool isPing, string socket, string kind, int count, int warmUp)
    {
        long[] ticks = new long[count];
        if (kind == "mailbox") Mail(isPing, socket, ticks, warmUp);
        else Rings(isPing, socket, ticks, warmUp, isEdge: kind == "doorbell-edge");
        Array.Sort(ticks);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Nanoseconds(ticks[count / 2])} {Nanoseconds(ticks[count / 10 * 9])} {Nanoseconds(ticks[count / 100 * 99])}"));
    }

    private static long Nanoseconds(long ticks) => (long)(ticks * (1e9 / Stopwatch.Frequency));

    // isEdge: epoll tells of each new ring, so the count need not be read away: one system call less.
    private static void Rings(bool isPing, string socket, long[] ticks, int warmUp, bool isEdge)
    {
        using IvshmemClient client = IvshmemClient.Connect(new() { SocketPath = socket, VectorCount = static _ => 1 });
        if (!isPing) Console.WriteLine("ready");
        PeerId other = AwaitPeer(client);
        using var epoll = new Epoll();
        SafeFd vector = client.Vectors[0];
        epoll.Add(vector, EpollEvents.Readable | (isEdge ? EpollEvents.EdgeTriggered : EpollEvents.None), 0);
        var reports = new EpollReport[1];
        for (long i = -warmUp; !isPing || i < ticks.Length; i++)
        {
            long start = Stopwatch.GetTimestamp();
            if (isPing) _ = client.Ring(other, 0);
            while (epoll.Wait(reports, Timeout.InfiniteTimeSpan) == 0) { }
            if (!isEdge) _ = EventFd.TryRead(vector, out _);
            if (!isPing) _ = client.Ring(other, 0);
            else if (i >= 0) ticks[i] = Stopwatch.GetTimestamp() - start;
        }
    }

    private static PeerId AwaitPeer(IvshmemClient client)
    {
        using var epoll = new Epoll();
        epoll.Add(client.Control, EpollEvents.Readable, 0);
        var reports = new EpollReport[1];
        while (client.Peers.Count == 0)
        {
            _ = epoll.Wait(reports, Timeout.InfiniteTimeSpan);
            _ = client.ProcessControl();
        }
        return client.Peers[0];
    }

    private static void Mail(bool isPing, string socket, long[] ticks, int warmUp)
    {
        byte[] message = new byte[MailBytes];
        message.AsSpan().Fill((byte)'x');
        using var done = new ManualResetEventSlim();
        MailboxEndpoint? self = null;
        long i = -warmUp, start = 0;
        MailHandler handler = isPing
            ? (from, _) =>
            {
                long now = Stopwatch.GetTimestamp();
                if (i >= 0 && i < ticks.Length) ticks[i] = now - start;
                if (++i >= ticks.Length) done.Set();
                else
                {
                    start = Stopwatch.GetTimestamp();
                    self!.Post(from, message);
                }
            }
        : (from, mail) => self!.Post(from, mail);
        self = MailboxEndpoint.Connect(new() { SocketPath = socket }, new() { Handler = handler, AsksServer = false, Name = isPing ? "ping" : "pong" });
        if (!isPing)
        {
            Console.WriteLine("ready");
            done.Wait();
            return;
        }
        MailboxPeer other;
        while ((other = self.Who().FirstOrDefault(peer => peer.Name == "pong")!) is null) _ = Thread.Yield();
        start = Stopwatch.GetTimestamp();
        self.Post(other.Id, message);
        done.Wait();
        self.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}

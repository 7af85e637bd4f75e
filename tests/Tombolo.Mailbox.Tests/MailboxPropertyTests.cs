// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using FsCheck;
using FsCheck.Fluent;
using Tombolo.Memory;

namespace Tombolo.Mailbox.Tests;

public sealed class MailboxPropertyTests
{
    /// <summary>Several endpoints send each other messages of any size at once: each arrives once, whole, and in its sender's order.</summary>
    [Fact]
    public void Endpoints_AnyTraffic_LosesDoublesAndMixesNothing()
    {
        Gen<(int Slot, int Seed, int Count)> traffic = from slot in Gen.Elements(136, 144, 512, 4096) from seed in Gen.Choose(1, int.MaxValue - 1) from count in Gen.Choose(1, 120) select (slot, seed, count);
        Prop.ForAll(traffic.ToArbitrary(), given => Exchange(given.Slot, given.Seed, given.Count).GetAwaiter().GetResult()).Check(Config.QuickThrowOnFailure.WithMaxTest(40));
    }

    /// <summary>Another party scribbles over the whole mailbox all the while: endpoints go on, keep to the memory, and end when told to.</summary>
    [Theory]
    [InlineData(1, 512)]
    [InlineData(2, 136)]
    [InlineData(3, 4096)]
    [InlineData(4, 512)]
    public async Task Endpoints_HostileMemory_GoOnAndEnd(int seed, int slotSize)
    {
        using var fabric = new LocalFabric(clients: 3, slotSize);
        using Window window = fabric.Map();
        await using MailboxServerPart server = MailboxServerPart.Start(fabric.StandingOf(4), isManager: true);
        MailboxEndpoint[] all = [.. Enumerable.Range(1, 3).Select(id => fabric.Endpoint(id, LocalFabric.Quiet($"n{id}") with { SendTimeout = TimeSpan.FromMilliseconds(2), InboxCapacity = 4, Spin = TimeSpan.FromMicroseconds(5) }))];
        using var stop = new CancellationTokenSource();
        Task scribbling = Task.Run(() => Scribble(window, fabric, seed, stop.Token));
        Task[] working = [.. all.Select((endpoint, i) => Task.Run(() => Work(endpoint, new Random(seed + i))))];
        await Task.WhenAll(working).Watched();
        await stop.CancelAsync();
        await scribbling.Watched();
        foreach (MailboxEndpoint endpoint in all)
        {
            endpoint.Completion.IsCompleted.ShouldBeFalse();
            await endpoint.DisposeAsync().AsTask().Watched();
            endpoint.Completion.IsCompletedSuccessfully.ShouldBeTrue();
        }
        server.Endpoint.Completion.IsCompleted.ShouldBeFalse();
    }

    private static async Task Work(MailboxEndpoint endpoint, Random random)
    {
        string[] words = ["ping", "Link CTL Peer-Attribute", "Link RFC TTC=1us", "Link RFC TTC=1s", "Standalone Acknowledgment Tag=1,Reason=OK", "hello"];
        for (int i = 0; i < 300; i++)
        {
            byte[] text = System.Text.Encoding.ASCII.GetBytes(words[random.Next(words.Length)]);
            SendResult result = await endpoint.SendAsync(new((ushort)random.Next(0, 6)), text.AsSpan(0, Math.Min(text.Length, endpoint.MaxMessage)));
            result.ShouldNotBe(SendResult.Closed);
            while (endpoint.TryReceive(out MailboxMessage? message)) message.Bytes.Length.ShouldBeLessThanOrEqualTo(endpoint.MaxMessage);
            _ = endpoint.Who();
        }
    }

    private static void Scribble(Window window, LocalFabric fabric, int seed, CancellationToken stop)
    {
        var random = new Random(seed);
        ulong[] liked = [0, 1, 2, 3, 4, 5, 383, 384, 512, ulong.MaxValue, 1ul << 63, 1ul << 31];
        Span<byte> word = stackalloc byte[8];
        while (!stop.IsCancellationRequested)
        {
            SharedView view = window.View(0, (int)window.LengthBytes);
            for (int i = 0; i < 50; i++)
            {
                int field = random.Next(4) == 0 ? random.Next(0, (int)window.LengthBytes / 8) * 8
                    : (random.Next(0, 5) * fabric.Geometry.SlotSize) + random.Next(0, 10) * 8;
                BinaryPrimitives.WriteUInt64LittleEndian(word, liked[random.Next(liked.Length)]);
                view.CopyIn(Math.Min(field, (int)window.LengthBytes - 8) & ~7, word);
            }
            fabric.Ring(random.Next(1, 5), random.Next(1, 5));
            _ = Thread.Yield();
        }
    }

    private static async Task Exchange(int slotSize, int seed, int count)
    {
        using var fabric = new LocalFabric(clients: 3, slotSize);
        var heard = new ConcurrentDictionary<(int From, int To), ConcurrentQueue<byte[]>>();
        var endpoints = new MailboxEndpoint[3];
        for (int i = 0; i < 3; i++)
        {
            int own = i + 1;
            endpoints[i] = fabric.Endpoint(own, LocalFabric.Quiet($"n{own}") with
            {
                Answers = false,
                SendTimeout = Watchdog.Limit,
                Handler = (from, bytes) => heard.GetOrAdd((from.Value, own), static _ => new()).Enqueue(bytes.ToArray()),
            });
        }
        await Task.WhenAll(Enumerable.Range(0, 3).Select(i => Task.Run(async () =>
        {
            var random = new Random(seed ^ i);
            for (int n = 0; n < count; n++)
            {
                int to = ((i + 1 + random.Next(2)) % 3) + 1;
                (await endpoints[i].SendAsync(new((ushort)to), Message(i + 1, to, n, seed, random.Next(5, endpoints[i].MaxMessage + 1)))).ShouldBe(SendResult.Delivered);
            }
        }))).Watched();
        foreach (MailboxEndpoint endpoint in endpoints) await endpoint.DisposeAsync();
        heard.Values.Sum(static queue => queue.Count).ShouldBe(3 * count);
        foreach (((int from, int to), ConcurrentQueue<byte[]> queue) in heard)
        {
            int last = -1;
            foreach (byte[] message in queue)
            {
                int n = BinaryPrimitives.ReadInt32LittleEndian(message.AsSpan(1));
                n.ShouldBeGreaterThan(last);
                message.ShouldBe(Message(from, to, n, seed, message.Length));
                last = n;
            }
        }
    }

    // Slots of 136 bytes hold 7: the smallest message is a number and a bit of its digest.
    private static byte[] Message(int from, int to, int n, int seed, int length)
    {
        byte[] message = new byte[length];
        message[0] = (byte)'#';
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(1), n);
        byte[] digest = SHA256.HashData(BitConverter.GetBytes(HashCode.Combine(from, to, n, seed)));
        for (int i = 5; i < length; i++) message[i] = digest[i % digest.Length];
        return message;
    }
}

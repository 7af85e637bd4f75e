// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Linux;

namespace Tombolo.Ivshmem.Tests.Server;

[Collection("counts open files")]
public sealed class HostileClientTests : IDisposable
{
    private readonly Place _place = new();

    [Fact]
    public async Task StoppedReading_StallsNobody()
    {
        await using DoorbellServer server = DoorbellServer.Start(_place.Options with { Vectors = 64 });
        using RawPeer deaf = RawPeer.Join(_place.Socket, ownVectors: 64);
        using RawPeer witness = RawPeer.Join(_place.Socket, ownVectors: 64);
        for (int i = 0; i < 40; i++)   // 40 × 65 notices are far more than a socket's buffer holds
        {
            using (RawPeer passing = RawPeer.Join(_place.Socket, ownVectors: 64))
                for (int vector = 0; vector < 64; vector++) witness.ReadNotice().Id.ShouldBe(passing.Id);
            witness.ReadNotice().EventFd.ShouldBeNull();
        }
        DoorbellSnapshot state = await server.SnapshotAsync();
        state.Counters.DroppedSlow.ShouldBe(0);
        state.Peers.Select(peer => peer.Id.Value).ShouldContain((ushort)deaf.Id);
    }

    [Fact]
    public async Task StoppedReading_IsDroppedWhenItsQueueIsFull_AndOnlyThen()
    {
        await using DoorbellServer server = DoorbellServer.Start(_place.Options with { Vectors = 256, QueueNotices = 16, MaxPeers = 40 });
        using RawPeer deaf = RawPeer.Join(_place.Socket, ownVectors: 256);
        using var others = new ReadingPeers(_place.Socket, vectors: 256);
        // A socket takes some 270 messages: one joiner's worth. The next one is begun, so 16 wait after 17 or 18.
        for (int i = 0; i < 16; i++) others.JoinOne();
        (await server.SnapshotAsync()).Counters.DroppedSlow.ShouldBe(0);
        for (int i = 0; i < 4; i++) others.JoinOne();
        DoorbellSnapshot state = await server.SnapshotAsync();
        state.Counters.DroppedSlow.ShouldBe(1);
        state.Peers.Select(peer => (int)peer.Id.Value).ShouldBe(others.Ids);
    }

    [Fact]
    public async Task StoppedReadingInItsHandshake_IsNotDropped_AndGoesOnLater()
    {
        await using DoorbellServer server = DoorbellServer.Start(_place.Options with { Vectors = 256, QueueNotices = 16, MaxPeers = 40 });
        using RawPeer early = RawPeer.Join(_place.Socket, ownVectors: 256), second = RawPeer.Join(_place.Socket, ownVectors: 256);
        using var late = new RawPeer(_place.Socket);   // 3 × 256 messages of handshake do not fit its socket
        using var others = new ReadingPeers(_place.Socket, vectors: 256);
        for (int i = 0; i < 30; i++) others.JoinOne();
        (await server.SnapshotAsync()).Peers.Select(peer => (int)peer.Id.Value).ShouldContain(2);
        late.ReadHandshake(256);
        late.ForgetHeld();
        for (int i = 0; i < 30 * 256; i++)
        {
            (long id, SafeFd? eventFd) = late.Read();
            if (eventFd is null) id.ShouldBeOneOf(early.Id, second.Id);   // those two read nothing and were dropped
            late.ForgetHeld();
        }
    }

    // Clients that read what they are told while more of them join.
    private sealed class ReadingPeers(string path, int vectors) : IDisposable
    {
        private readonly List<RawPeer> _peers = [];

        public IEnumerable<int> Ids => _peers.Select(peer => peer.Id);

        public void JoinOne()
        {
            RawPeer joined = RawPeer.Join(path, vectors);
            joined.ForgetHeld();
            foreach (RawPeer other in _peers)
            {
                for (int told = 0; told < vectors;)
                    if (other.Read().Value == joined.Id) told++;
                other.ForgetHeld();
            }
            _peers.Add(joined);
        }

        public void Dispose() => _peers.ForEach(peer => peer.Dispose());
    }

    [Fact]
    public async Task JoinedAndLeftBeforeBeingTold_IsNeverTold()
    {
        await using DoorbellServer server = DoorbellServer.Start(_place.Options with { Vectors = 300 });
        using RawPeer deaf = RawPeer.Join(_place.Socket, ownVectors: 300);
        using RawPeer stays = RawPeer.Join(_place.Socket, ownVectors: 300);   // fills the deaf one's socket
        RawPeer.Join(_place.Socket, ownVectors: 300).Dispose();               // comes and goes unheard
        while ((await server.SnapshotAsync()).Counters.Leaves == 0) await Task.Yield();
        using RawPeer last = RawPeer.Join(_place.Socket, ownVectors: 300);
        for (int i = 0; i < 300; i++) deaf.ReadNotice().Id.ShouldBe(stays.Id);
        for (int i = 0; i < 300; i++) deaf.ReadNotice().Id.ShouldBe(last.Id);
        deaf.HasUnread().ShouldBeFalse();
    }

    [Fact]
    public async Task Garbage_IsIgnored_AndItsDescriptorsAreClosed()
    {
        await using DoorbellServer server = DoorbellServer.Start(_place.Options);
        using RawPeer rude = RawPeer.Join(_place.Socket);
        using SafeFd gift = EventFd.Create();
        byte[] noise = new byte[1000];
        new Random(1).NextBytes(noise);
        int before = ResourceLimit.CountOpenFiles();
        for (int i = 0; i < 20; i++) UnixSocket.Send(rude.Socket, noise, gift, gift, gift).Bytes.ShouldBe(1000);
        while ((await server.SnapshotAsync()).Counters.IgnoredBytes < 20_000) await Task.Yield();
        ResourceLimit.CountOpenFiles().ShouldBeLessThanOrEqualTo(before);
        using RawPeer other = RawPeer.Join(_place.Socket);
        rude.ReadNotice().Id.ShouldBe(other.Id);
    }

    [Fact]
    public async Task Garbage_WithoutEnd_IsNotReadForEver()
    {
        await using DoorbellServer server = DoorbellServer.Start(_place.Options);
        using RawPeer rude = RawPeer.Join(_place.Socket);
        byte[] noise = new byte[8192];
        long sent = 0;
        while (UnixSocket.Wait(rude.Socket, forReading: false, TimeSpan.FromMilliseconds(200)))   // until nobody takes it any more
        {
            SocketResult result = UnixSocket.Send(rude.Socket, noise);
            sent += result.Bytes;
            sent.ShouldBeLessThan(16 << 20);
        }
        (await server.SnapshotAsync()).Peers.Count.ShouldBe(1);
        using RawPeer other = RawPeer.Join(_place.Socket);
        rude.ReadNotice().Id.ShouldBe(other.Id);
    }

    [Fact]
    public async Task HangUpInMidHandshake_LeavesNoTrace()
    {
        await using DoorbellServer server = DoorbellServer.Start(_place.Options with { Vectors = 100, MaxPeers = 60 });
        using RawPeer witness = RawPeer.Join(_place.Socket, ownVectors: 100);
        for (int i = 0; i < 50; i++) new RawPeer(_place.Socket).Dispose();
        while ((await server.SnapshotAsync()).Counters.Leaves < 50) await Task.Yield();
        using RawPeer last = RawPeer.Join(_place.Socket, ownVectors: 100);
        var open = new HashSet<long>();
        while (open.Count != 1 || !open.Contains(last.Id))   // whoever was heard of is heard to leave; nobody leaves who was not heard of
        {
            (long id, int? eventFd) = witness.ReadNotice();
            if (eventFd is null) open.Remove(id).ShouldBeTrue();
            else _ = open.Add(id);
        }
    }

    public void Dispose() => _place.Dispose();
}

// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Testing;
using Tombolo.TestPeers;
using Watchdog = Tombolo.Testing.Watchdog;

namespace Tombolo.Store.Tests;

/// <summary>A domain that talks through a ring page, also one that lies about its indices.</summary>
public sealed class RingTests : IDisposable
{
    private const int Offset = 8192;
    private readonly TemporaryFolder _folder = new();
    private readonly StoreServer _server;
    private readonly SafeFd _memory = Memfd.Create("ring-test", 3 * 4096);
    private readonly Doorbell _toServer = Doorbell.Create(), _toDomain = Doorbell.Create();
    private readonly ScriptedRingPage _page;

    public RingTests()
    {
        _page = new(_memory, Offset, () => _ = _toServer.Ring());
        _server = StoreServer.Start(new() { SocketPath = _folder["s"], Keys = [new("/local/domain/5/data", "", StorePermissions.Parse("n5"))] });
    }

    [Fact]
    public async Task Domain_ReadsWritesAndWatches_ThroughItsPage()
    {
        using RawClient host = new(_folder["s"]);
        host.Ask(StoreOperation.Watch, "@introduceDomain|i|").ShouldBe("OK");
        host.Event().ShouldBe("@introduceDomain|i");
        await IntroduceAsync();
        host.Event().ShouldBe("@introduceDomain|i");
        Ask(StoreOperation.Write, "data/x|1").ShouldBe("OK");
        host.Read("/local/domain/5/data/x").ShouldBe("1");
        Ask(StoreOperation.Watch, "data|t|").ShouldBe("OK");
        _page.NextEvent().ShouldBe("data|t");
        host.Write("/local/domain/5/data/y", "2").ShouldBe("OK");
        _page.NextEvent().ShouldBe("data/y|t");
        Ask(StoreOperation.Read, "/none|").ShouldBe("!EACCES");
    }

    [Fact]
    public async Task LongMessages_PassInParts_ManyTimesAround()
    {
        await IntroduceAsync();
        string value = new('v', 2000);
        for (int i = 0; i < 50; i++)
        {
            Ask(StoreOperation.Write, $"data/x|{i}{value}").ShouldBe("OK");
            Ask(StoreOperation.Read, "data/x|").ShouldBe($"{i}{value}");
        }
    }

    [Theory]
    [InlineData(RingLayout.RequestProducer, 1025u)]
    [InlineData(RingLayout.RequestProducer, uint.MaxValue)]
    [InlineData(RingLayout.ReplyConsumer, 1u)]
    [InlineData(RingLayout.ReplyConsumer, 0x80000000u)]
    public async Task LyingIndex_StopsThatRingAlone_AndTheDomainMayBeginAnew(int index, uint value)
    {
        await IntroduceAsync();
        using RawClient host = new(_folder["s"]);
        _page[index] = value;
        if (index == RingLayout.ReplyConsumer) _page.Send(RawClient.Message(StoreOperation.Read, "data|"));
        _page.Ring();
        Watchdog.Until(() => _page[RingLayout.Error] == 2, "the server to say that an index is wrong");
        host.Write("/a", "1").ShouldBe("OK");
        _page.BeginAnew();
        _page[RingLayout.Error].ShouldBe(0u);
        Ask(StoreOperation.Write, "data/x|again").ShouldBe("OK");
    }

    [Fact]
    public async Task AnnouncedTooLong_StopsThatRing()
    {
        await IntroduceAsync();
        byte[] header = new byte[16];
        new StoreHeader(StoreOperation.Read, 0, 0, 5000).Write(header);
        _page.Send(header);
        Watchdog.Until(() => _page[RingLayout.Error] == 3, "the server to say that the protocol is broken");
        (await _server.SnapshotAsync()).Connections.ShouldBe(1);
    }

    [Fact]
    public async Task IndicesThatTheServerOwns_AreNotBelieved()
    {
        await IntroduceAsync();
        Ask(StoreOperation.Write, "data/x|1").ShouldBe("OK");
        _page[RingLayout.RequestConsumer] = 12345;
        _page.Ring();
        Watchdog.Until(() => _page[RingLayout.RequestConsumer] == _page.Put, "the server to write its own count of requests");
        _page[RingLayout.ReplyProducer] = 54321;
        _page.Send(RawClient.Message(StoreOperation.Read, "data/x|"));
        Watchdog.Until(() => _page[RingLayout.ReplyProducer] == _page.Took + 17, "the server to write its own count of replies");
        _page.Next().Text.ShouldBe("1");
    }

    [Fact]
    public async Task Introduce_OverASocket_ConnectsTheRingThatTheHostKnows()
    {
        using RawClient host = new(_folder["s"]);
        host.Ask(StoreOperation.Watch, "@introduceDomain|i|").ShouldBe("OK");
        host.Event().ShouldBe("@introduceDomain|i");
        host.Ask(StoreOperation.Introduce, "5|2|1|").ShouldBe("!EINVAL");   // nobody knows of a ring page: there is none to be connected
        host.Ask(StoreOperation.Introduce, "6|0|0|").ShouldBe("OK");        // a domain without a ring
        host.Event().ShouldBe("@introduceDomain|i");
        (await _server.SnapshotAsync()).Connections.ShouldBe(1);

        RingPlace place = new(new(_memory, Offset, _toServer.Descriptor, _toDomain.Descriptor));
        _server.AddRings(place);
        _ = await _server.SnapshotAsync();   // the loop has done it
        host.Ask(StoreOperation.Introduce, "5|3|1|").ShouldBe("!EINVAL");   // another page
        host.Ask(StoreOperation.Introduce, "5|2|1|").ShouldBe("OK");
        host.Event().ShouldBe("@introduceDomain|i");
        Ask(StoreOperation.Watch, "data|t|").ShouldBe("OK");
        _page.NextEvent().ShouldBe("data|t");
        host.Ask(StoreOperation.Introduce, "5|0|0|").ShouldBe("OK");        // it goes on: only the watchers are told
        host.Event().ShouldBe("@introduceDomain|i");
        host.Write("/local/domain/5/data/y", "2").ShouldBe("OK");
        _page.NextEvent().ShouldBe("data/y|t");
        host.Ask(StoreOperation.Release, "5|").ShouldBe("OK");
        place.IsGone = true;
        host.Ask(StoreOperation.Introduce, "5|2|1|").ShouldBe("!EINVAL");
        _server.RemoveRings(place);
        _ = await _server.SnapshotAsync();
        host.Ask(StoreOperation.Introduce, "5|0|0|").ShouldBe("OK");
    }

    [Fact]
    public async Task Resume_RingThatTheServerHas_GoesOn_AnotherIsToldToBeginAnew()
    {
        await IntroduceAsync();
        Ask(StoreOperation.Watch, "data|t|").ShouldBe("OK");
        _page.NextEvent().ShouldBe("data|t");
        StoreRing ring = new(_memory, Offset, _toServer.Descriptor, _toDomain.Descriptor);
        await _server.ResumeAsync(new(5), ring);
        _page[RingLayout.Error].ShouldBe(0u);
        using RawClient host = new(_folder["s"]);
        host.Write("/local/domain/5/data/y", "2").ShouldBe("OK");
        _page.NextEvent().ShouldBe("data/y|t");

        using Doorbell other = Doorbell.Create();   // of a domain that came in this one's place
        await _server.ResumeAsync(new(5), ring with { ToDomain = other.Descriptor });
        _page[RingLayout.Error].ShouldBe(1u);
        other.TryTake().ShouldBeTrue();
        _page.BeginAnew();
        Ask(StoreOperation.Write, "data/x|anew").ShouldBe("OK");
    }

    [Fact]
    public async Task Release_ClosesTheRing_AndTellsWatchers()
    {
        await IntroduceAsync();
        using RawClient host = new(_folder["s"]);
        host.Ask(StoreOperation.Watch, "@releaseDomain|r|").ShouldBe("OK");
        host.Event().ShouldBe("@releaseDomain|r");
        (await _server.ReleaseAsync(new(5))).ShouldBeTrue();
        host.Event().ShouldBe("@releaseDomain|r");
        (await _server.SnapshotAsync()).Connections.ShouldBe(1);
        (await _server.ReleaseAsync(new(5))).ShouldBeFalse();
    }

    public void Dispose()
    {
        _server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _page.Dispose();
        _memory.Dispose();
        _toServer.Dispose();
        _toDomain.Dispose();
        _folder.Dispose();
    }

    private async Task IntroduceAsync()
    {
        await _server.IntroduceAsync(new(5), new(_memory, Offset, _toServer.Descriptor, _toDomain.Descriptor));
        _page[RingLayout.Features].ShouldBe(1u);
    }

    private string Ask(StoreOperation operation, string payload) => _page.Ask((uint)operation, payload);

    private sealed class RingPlace(StoreRing ring) : IRingFinder
    {
        public bool IsGone { get; set; }

        public bool Has(DomainId domain) => domain.Value == 5;

        public StoreRing? Find(DomainId domain, ulong frame) => !IsGone && frame is 0 or Offset / 4096 ? ring : null;
    }
}

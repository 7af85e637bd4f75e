// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Testing;

namespace Tombolo.Store.Tests;

/// <summary>A domain that talks through a ring page, also one that lies about its indices.</summary>
public sealed class RingTests : IDisposable
{
    private const int Offset = 8192;
    private readonly TemporaryFolder _folder = new();
    private readonly StoreServer _server;
    private readonly SafeFd _memory = Memfd.Create("ring-test", 3 * 4096);
    private readonly Window _window;
    private readonly Doorbell _toServer = Doorbell.Create(), _toDomain = Doorbell.Create();
    private uint _put, _took;

    public RingTests()
    {
        _window = Window.Map(_memory);
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
        Read().Text.ShouldBe("data|t");
        host.Write("/local/domain/5/data/y", "2").ShouldBe("OK");
        Read().Text.ShouldBe("data/y|t");
        Ask(StoreOperation.Read, "/none|").ShouldBe("EACCES");
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
        Page.WriteRelease32(index, value);
        if (index == RingLayout.ReplyConsumer) Put(RawClient.Message(StoreOperation.Read, "data|"));
        _ = _toServer.Ring();
        Watchdog.Until(() => Page.ReadAcquire32(RingLayout.Error) == 2, "the server to say that an index is wrong");
        host.Write("/a", "1").ShouldBe("OK");
        Page.WriteRelease32(RingLayout.State, 1);
        _ = _toServer.Ring();
        Watchdog.Until(() => Page.ReadAcquire32(RingLayout.State) == 0, "the server to connect again");
        _put = _took = 0;
        Ask(StoreOperation.Write, "data/x|again").ShouldBe("OK");
    }

    [Fact]
    public async Task AnnouncedTooLong_StopsThatRing()
    {
        await IntroduceAsync();
        byte[] header = new byte[16];
        new StoreHeader(StoreOperation.Read, 0, 0, 5000).Write(header);
        Put(header);
        _ = _toServer.Ring();
        Watchdog.Until(() => Page.ReadAcquire32(RingLayout.Error) == 3, "the server to say that the protocol is broken");
        (await _server.SnapshotAsync()).Connections.ShouldBe(1);
    }

    [Fact]
    public async Task IndicesThatTheServerOwns_AreNotBelieved()
    {
        await IntroduceAsync();
        Ask(StoreOperation.Write, "data/x|1").ShouldBe("OK");
        Page.WriteRelease32(RingLayout.RequestConsumer, 12345);
        _ = _toServer.Ring();
        Watchdog.Until(() => Page.ReadAcquire32(RingLayout.RequestConsumer) == _put, "the server to write its own count of requests");
        Page.WriteRelease32(RingLayout.ReplyProducer, 54321);
        Put(RawClient.Message(StoreOperation.Read, "data/x|"));
        Watchdog.Until(() => Page.ReadAcquire32(RingLayout.ReplyProducer) == _took + 17, "the server to write its own count of replies");
        Read().Text.ShouldBe("1");
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
        _window.Dispose();
        _memory.Dispose();
        _toServer.Dispose();
        _toDomain.Dispose();
        _folder.Dispose();
    }

    private SharedView Page => _window.View(Offset, RingLayout.TotalBytes);

    private async Task IntroduceAsync()
    {
        await _server.IntroduceAsync(new(5), new(_memory, Offset, _toServer.Descriptor, _toDomain.Descriptor));
        Page.ReadAcquire32(RingLayout.Features).ShouldBe(1u);
    }

    private string Ask(StoreOperation operation, string payload)
    {
        Put(RawClient.Message(operation, payload));
        return Read().Text;
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        foreach (byte one in bytes)
        {
            Watchdog.Until(() => _put - Page.ReadAcquire32(RingLayout.RequestConsumer) < RingLayout.RingBytes, "room in the ring");
            Page.CopyIn((int)(_put % RingLayout.RingBytes), [one]);
            Page.WriteRelease32(RingLayout.RequestProducer, ++_put);
            if (_put % 100 == 0) _ = _toServer.Ring();
        }
        _ = _toServer.Ring();
    }

    private (StoreHeader Header, string Text) Read()
    {
        StoreHeader.TryRead(Take(16), out StoreHeader header).ShouldBeTrue();
        string text = Encoding.Latin1.GetString(Take((int)header.Length));
        return (header, (text.EndsWith('\0') ? text[..^1] : text).Replace('\0', '|'));
    }

    private byte[] Take(int count)
    {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++)
        {
            Watchdog.Until(() => Page.ReadAcquire32(RingLayout.ReplyProducer) != _took, "a reply");
            Page.CopyOut(RingLayout.Replies + (int)(_took % RingLayout.RingBytes), bytes.AsSpan(i, 1));
            Page.WriteRelease32(RingLayout.ReplyConsumer, ++_took);
            if (_took % 256 == 0) _ = _toServer.Ring();   // there is room again
        }
        _ = _toServer.Ring();
        return bytes;
    }
}

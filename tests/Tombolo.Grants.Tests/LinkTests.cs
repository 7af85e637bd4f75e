// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Channels;
using Tombolo.Store;

namespace Tombolo.Grants.Tests;

/// <summary>Streams and messages over granted pages.</summary>
public sealed class LinkTests : IAsyncLifetime, IDisposable
{
    private static readonly DomainId _one = new(1), _two = new(2);
    private readonly TemporaryFolder _folder = new();
    private readonly TestGround _ground = new();
    private StoreServer _server = null!;
    private StoreClient _store = null!;

    public async Task InitializeAsync()
    {
        _server = StoreServer.Start(new() { SocketPath = _folder["store"] });
        _store = await StoreClient.ConnectAsync(_folder["store"]);
    }

    public async Task DisposeAsync()
    {
        await _store.DisposeAsync();
        await _server.DisposeAsync();
    }

    public void Dispose()
    {
        _ground.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Bytes_BothWays_ArriveWhole_AndEndWithTheStream()
    {
        using IDomain one = _ground.Join(_one), two = _ground.Join(_two);
        Task<GrantLink> accepting = GrantLink.AcceptAsync(_store, two, _one, "/link");   // before it is offered
        GrantLink offered = await GrantLink.OfferAsync(_store, one, _two, "/link", new() { CapacityBytes = 4096 });
        using GrantLink accepted = await accepting.WaitAsync(Watchdog.Limit);
        byte[] sent = new byte[1 << 20];
        new Random(1).NextBytes(sent);
        Task writing = Task.Run(async () =>
        {
            await offered.Stream!.WriteAsync(sent);
            byte[] answer = new byte[5];
            await offered.Stream.ReadExactlyAsync(answer);
            Encoding.ASCII.GetString(answer).ShouldBe("thank");
            offered.Dispose();
        });
        byte[] got = new byte[sent.Length];
        await accepted.Stream!.ReadExactlyAsync(got).AsTask().WaitAsync(Watchdog.Limit);
        got.SequenceEqual(sent).ShouldBeTrue();
        await accepted.Stream.WriteAsync("thank"u8.ToArray());
        (await accepted.Stream.ReadAsync(got)).ShouldBe(0);
        await writing.WaitAsync(Watchdog.Limit);
    }

    [Fact]
    public async Task TwoHundredLinks_WithDefaultQuotas_AllTalk()
    {
        using IDomain one = _ground.Join(_one), two = _ground.Join(_two);
        GrantLinkOptions options = new() { Kind = GrantLinkKind.Messages };
        List<GrantLink> offered = [], accepted = [];
        try
        {
            for (int link = 0; link < 200; link++)
            {
                offered.Add(await GrantLink.OfferAsync(_store, one, _two, $"/links/{link}", options));
                accepted.Add(await GrantLink.AcceptAsync(_store, two, _one, $"/links/{link}", options).WaitAsync(Watchdog.Limit));
            }
            for (int link = 0; link < 200; link++)
            {
                offered[link].Out!.TryWrite(BitConverter.GetBytes(link)).ShouldBeTrue();
                accepted[link].Out!.TryWrite(BitConverter.GetBytes(-link)).ShouldBeTrue();
            }
            for (int link = 0; link < 200; link++)
            {
                Take(accepted[link].In!).ShouldBe(link);
                Take(offered[link].In!).ShouldBe(-link);
            }
        }
        finally { foreach (GrantLink link in accepted.Concat(offered)) await link.DisposeAsync(); }
        (await _store.ListAsync("/links/7")).ShouldBe([]);
    }

    [Fact]
    public async Task PeerProcess_Killed_IsTold_AndASuccessorAcceptsAnew()
    {
        using IDomain one = _ground.Join(_one);
        GrantLinkOptions options = new() { Party = new() { Beat = TimeSpan.FromMilliseconds(20), DeathAfter = TimeSpan.FromMilliseconds(500) } };
        for (int life = 0; life < 2; life++)
        {
            using GrantLink link = await GrantLink.OfferAsync(_store, one, _two, "/link", options);
            using Child peer = Child.Of<LinkTests>("echo", _ground.Socket, _folder["store"]);
            peer.ReadLine().ShouldBe("accepted");
            await link.Stream!.WriteAsync("are you there"u8.ToArray());
            byte[] echo = new byte[13];
            await link.Stream.ReadExactlyAsync(echo).AsTask().WaitAsync(Watchdog.Limit);
            Task<int> reading = link.Stream.ReadAsync(echo).AsTask();
            peer.Kill();
            await Should.ThrowAsync<IOException>(() => reading.WaitAsync(Watchdog.Limit));
        }
    }

    [Theory]
    [InlineData("8", 1)]
    [InlineData("8+3,20", 4)]
    [InlineData("8+1048576", 1048576)]
    public void ReferenceRuns_ReadBack(string text, int count)
    {
        ReferenceRuns.TryRead(text, out IReadOnlyList<GrantRef> references).ShouldBeTrue();
        references.Count.ShouldBe(count);
        ReferenceRuns.Of(references).ShouldBe(text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("8+0")]
    [InlineData("8+1048577")]
    [InlineData("4294967295+2")]
    [InlineData("8+1+1")]
    [InlineData("-8")]
    [InlineData("8,")]
    public void ReferenceRuns_Nonsense_IsRefused(string text) => ReferenceRuns.TryRead(text, out _).ShouldBeFalse();

    /// <summary>The second process: accepts, and sends back what comes.</summary>
    internal static async Task<int> EchoAsync(string grants, string socket)
    {
        await using StoreClient store = await StoreClient.ConnectAsync(socket);
        using IDomain domain = GrantClient.Connect(new() { SocketPath = grants, Domain = _two });
        using GrantLink link = await GrantLink.AcceptAsync(store, domain, _one, "/link");
        Console.WriteLine("accepted");
        byte[] buffer = new byte[4096];
        for (int count; (count = await link.Stream!.ReadAsync(buffer)) > 0;) await link.Stream.WriteAsync(buffer.AsMemory(0, count));
        return 0;
    }

    private static int Take(RingConsumer consumer)
    {
        consumer.WaitForMessage(Watchdog.Limit).ShouldBe(ChannelWait.Ready);
        consumer.TryBorrow(out ReadOnlySpan<byte> message).ShouldBeTrue();
        int number = BitConverter.ToInt32(message);
        consumer.Release();
        return number;
    }
}

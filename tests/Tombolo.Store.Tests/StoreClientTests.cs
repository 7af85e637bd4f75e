// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Net.Sockets;
using Tombolo.Testing;

namespace Tombolo.Store.Tests;

/// <summary>The client against our server, and against servers that lie.</summary>
public sealed class StoreClientTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StoreServer _server;

    public StoreClientTests() => _server = StoreServer.Start(new() { SocketPath = _folder["s"], Quotas = new() { Nodes = 3 }, Identify = who => Domain, Keys = [new("/mine", "", StorePermissions.Parse("b0"))] });

    private DomainId? Domain { get; set; } = DomainId.Privileged;

    [Fact]
    public async Task EveryOperation_DoesWhatItSays()
    {
        await using StoreClient client = await ConnectAsync();
        await client.WriteAsync("/a/b", "välue");
        (await client.ReadAsync("/a/b")).ShouldBe("välue");
        (await client.ReadAsync("/a/none")).ShouldBeNull();
        await client.MakeDirectoryAsync("/a/c");
        (await client.ListAsync("/a")).ShouldBe(["b", "c"]);
        (await client.ListAsync("/none")).ShouldBeNull();
        await client.SetPermissionsAsync("/a/c", StorePermissions.Parse("n0,r5"));
        (await client.GetPermissionsAsync("/a/c")).ShouldNotBeNull().ToString().ShouldBe("n0,r5");
        (await client.GetPermissionsAsync("/none")).ShouldBeNull();
        (await client.RemoveAsync("/a")).ShouldBeTrue();
        (await client.RemoveAsync("/none/none")).ShouldBeFalse();
        (await client.ListAsync("/a")).ShouldBeNull();
        (await client.GetDomainPathAsync(new(7))).ShouldBe("/local/domain/7");
        (await client.IsDomainIntroducedAsync(new(7))).ShouldBeFalse();
        (await client.ControlAsync("version")).ShouldStartWith("tombolo-store");
        (await Should.ThrowAsync<StoreException>(async () => await client.WriteAsync("/a//b", ""))).Message.ShouldBe("Write of '/a//b' failed: EINVAL (a path, a permission or an argument is not as it must be).");
        (await Should.ThrowAsync<StoreException>(async () => await client.WriteAsync("/a", new string('v', 5000)))).Error.ShouldBe(StoreError.E2BIG);
    }

    [Fact]
    public async Task ManyRequestsAtOnce_EachGetsItsOwnReply()
    {
        await using StoreClient client = await ConnectAsync();
        await Task.WhenAll(Enumerable.Range(0, 5000).Select(async i =>
        {
            await client.WriteAsync($"/n/{i}", $"{i}");
            (await client.ReadAsync($"/n/{i}")).ShouldBe($"{i}");
        }));
        (await client.ListAsync("/n")).ShouldNotBeNull().Count.ShouldBe(5000);   // in parts
    }

    [Fact]
    public async Task Transactions_OfManyAtOnce_LoseNothing()
    {
        await using StoreClient one = await ConnectAsync(), two = await ConnectAsync();
        await one.WriteAsync("/counter", "0");
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            for (int k = 0; k < 25; k++)
                await (i % 2 == 0 ? one : two).TransactAsync(async scope => await scope.WriteAsync("/counter", $"{int.Parse((await scope.ReadAsync("/counter"))!, CultureInfo.InvariantCulture) + 1}"));
        }));
        (await one.ReadAsync("/counter")).ShouldBe("200");
    }

    [Fact]
    public async Task Transaction_ThatThrows_LeavesNothing()
    {
        await using StoreClient client = await ConnectAsync();
        (await Should.ThrowAsync<InvalidOperationException>(() => client.TransactAsync(async scope =>
        {
            await scope.WriteAsync("/x", "1");
            throw new InvalidOperationException("enough");
        }))).Message.ShouldBe("enough");
        (await client.ReadAsync("/x")).ShouldBeNull();
        (await _server.SnapshotAsync()).Transactions.ShouldBe(0);
    }

    [Fact]
    public async Task Quota_IsNamed_WhereDetailsAreWanted()
    {
        Domain = new DomainId(5);
        await using StoreClient client = await ConnectAsync();
        for (int i = 0; i < 3; i++) await client.WriteAsync($"/mine/{i}", "");
        (await Should.ThrowAsync<StoreException>(async () => await client.WriteAsync("/mine/3", ""))).Message.ShouldBe("Write of '/mine/3' failed: ENOSPC (a quota, or no room).");
        await client.WantDetailsAsync();   // of a domain that has quotas: domain 0 has none
        (await Should.ThrowAsync<StoreException>(async () => await client.WriteAsync("/mine/3", ""))).Message.ShouldBe("Write of '/mine/3' failed: ENOSPC. Domain 5: It has 3 nodes, and may have 3 (quota Nodes).");
        (await Should.ThrowAsync<StoreException>(async () => await client.ControlAsync("check"))).Error.ShouldBe(StoreError.EACCES);
        Domain = DomainId.Privileged;
        await using StoreClient host = await ConnectAsync();
        (await host.ControlAsync("quota", "5")).ShouldBe("nodes 3 of 3\nwatches 0 of 1024\ntransactions 0 of 64\n");
    }

    [Fact]
    public async Task Watch_BeginsWithThePath_AndEndsWhenAsked()
    {
        await using StoreClient client = await ConnectAsync();
        using CancellationTokenSource end = new();
        List<string> told = [];
        await foreach (StoreEvent change in client.WatchAsync("/w", end.Token))
        {
            told.Add(change.Path);
            if (told.Count <= 2) await client.WriteAsync($"/w/{told.Count}", "");
            else await end.CancelAsync();
        }
        told.ShouldBe(["/w", "/w/1", "/w/2"]);
        while ((await _server.SnapshotAsync()).Watches > 0) await Task.Yield();
    }

    /// <summary>A watch that is begun while the server is away begins once it is back, with everything else; so do the details of errors.</summary>
    [Fact]
    public async Task ServerComesBack_WatchBegunMeanwhile_AndDetails_AreThereAgain()
    {
        StoreServerOptions options = new() { SocketPath = _folder["again"], Quotas = new() { Nodes = 0 }, Identify = static _ => new DomainId(5), Keys = [new("/mine", "", StorePermissions.Parse("b0"))] };
        StoreServer server = StoreServer.Start(options);
        TellingTime time = new();
        await using StoreClient client = await StoreClient.ConnectAsync(new StoreClientOptions { SocketPath = options.SocketPath, Pause = TimeSpan.FromMilliseconds(1), LongestPause = TimeSpan.FromMilliseconds(5), Time = time });
        await client.WantDetailsAsync();
        await using IAsyncEnumerator<StoreEvent> before = client.WatchAsync("/mine").GetAsyncEnumerator();
        (await before.MoveNextAsync()).ShouldBeTrue();
        await server.DisposeAsync();
        await time.Pausing.WaitAsync(Watchdog.Limit);   // the client has noticed
        ValueTask<bool> again = before.MoveNextAsync();
        await using IAsyncEnumerator<StoreEvent> meanwhile = client.WatchAsync("/mine").GetAsyncEnumerator();
        ValueTask<bool> begun = meanwhile.MoveNextAsync();
        using CancellationTokenSource enough = new();
        await using IAsyncEnumerator<StoreEvent> givenUp = client.WatchAsync("/mine", enough.Token).GetAsyncEnumerator();
        ValueTask<bool> never = givenUp.MoveNextAsync();
        await enough.CancelAsync();
        _ = await Should.ThrowAsync<OperationCanceledException>(async () => await never.AsTask().WaitAsync(Watchdog.Limit));
        server = StoreServer.Start(options);
        try
        {
            (await begun.AsTask().WaitAsync(Watchdog.Limit)).ShouldBeTrue();
            (await again.AsTask().WaitAsync(Watchdog.Limit)).ShouldBeTrue();
            (await Should.ThrowAsync<StoreException>(async () => await client.WriteAsync("/mine/x", ""))).Message.ShouldContain("quota Nodes");
            (await server.SnapshotAsync()).Watches.ShouldBe(2);
        }
        finally { await server.DisposeAsync(); }
    }

    /// <summary>A watch that the next server refuses ends; nothing else does.</summary>
    [Fact]
    public async Task ServerComesBack_RefusesAWatch_OnlyThatEnds()
    {
        StoreServerOptions options = new() { SocketPath = _folder["strict"], Identify = static _ => new DomainId(5) };
        StoreServer server = StoreServer.Start(options);
        await using StoreClient client = await StoreClient.ConnectAsync(new StoreClientOptions { SocketPath = options.SocketPath, Pause = TimeSpan.FromMilliseconds(1), LongestPause = TimeSpan.FromMilliseconds(5) });
        await using IAsyncEnumerator<StoreEvent> one = client.WatchAsync("/a").GetAsyncEnumerator(), two = client.WatchAsync("/b").GetAsyncEnumerator();
        (await one.MoveNextAsync(), await two.MoveNextAsync()).ShouldBe((true, true));
        await server.DisposeAsync();
        server = StoreServer.Start(options with { Quotas = new() { Watches = 1 } });
        try
        {
            Task<bool>[] both = [one.MoveNextAsync().AsTask(), two.MoveNextAsync().AsTask()];
            await Task.WhenAll(both).WaitAsync(Watchdog.Limit).ContinueWith(static ended => ended.Exception, TaskScheduler.Default);
            both.Count(static each => each.IsCompletedSuccessfully && each.Result).ShouldBe(1);
            both.Single(static each => each.IsFaulted).Exception!.InnerException.ShouldBeOfType<StoreException>().Error.ShouldBe(StoreError.E2BIG);
            (await client.GetDomainPathAsync(new(5)).AsTask().WaitAsync(Watchdog.Limit)).ShouldBe("/local/domain/5");
        }
        finally { await server.DisposeAsync(); }
    }

    /// <summary>What comes back is a server that talks nonsense, then one that is silent: the client goes on trying, and can be closed.</summary>
    [Fact]
    public async Task ServerComesBack_AsALiar_ThenSilent_TheClientCanBeClosed()
    {
        StoreServerOptions options = new() { SocketPath = _folder["odd"] };
        StoreServer server = StoreServer.Start(options);
        StoreClient client = await StoreClient.ConnectAsync(new StoreClientOptions { SocketPath = options.SocketPath, Pause = TimeSpan.FromMilliseconds(1), LongestPause = TimeSpan.FromMilliseconds(5) });
        await using IAsyncEnumerator<StoreEvent> watch = client.WatchAsync("/a").GetAsyncEnumerator();
        (await watch.MoveNextAsync()).ShouldBeTrue();
        await server.DisposeAsync();
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(options.SocketPath));
        listener.Listen();
        using Socket liar = await listener.AcceptAsync().WaitAsync(Watchdog.Limit);
        (await liar.ReceiveAsync(new byte[100]).WaitAsync(Watchdog.Limit)).ShouldBeGreaterThan(0);
        _ = await liar.SendAsync(Convert.FromHexString("63000000010000000000000000000000"));   // no such type
        using Socket silent = await listener.AcceptAsync().WaitAsync(Watchdog.Limit);
        (await silent.ReceiveAsync(new byte[100]).WaitAsync(Watchdog.Limit)).ShouldBeGreaterThan(0);
        await client.DisposeAsync().AsTask().WaitAsync(Watchdog.Limit);
        (await watch.MoveNextAsync().AsTask().WaitAsync(Watchdog.Limit)).ShouldBeFalse();
    }

    [Fact]
    public async Task NobodyThere_IsSaid() =>
        (await Should.ThrowAsync<StoreException>(() => StoreClient.ConnectAsync(_folder["none"]))).Message.ShouldContain(_folder["none"]);

    [Theory]
    [InlineData("02000000010000000000000001100000")]   // longer than any message
    [InlineData("63000000010000000000000000000000")]   // no such type
    [InlineData("020000000100")]                       // half a header, then the end
    [InlineData("")]
    public async Task ServerThatBreaksTheProtocol_FailsWhatWaits(string bytes)
    {
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(_folder["liar"]));
        listener.Listen();
        Task<StoreClient> connecting = StoreClient.ConnectAsync(new StoreClientOptions { SocketPath = _folder["liar"], Reconnects = false });
        using Socket peer = await listener.AcceptAsync();
        await using StoreClient client = await connecting;
        ValueTask<string?> waiting = client.ReadAsync("/a");
        _ = await peer.ReceiveAsync(new byte[100]);
        if (bytes.Length > 0) _ = await peer.SendAsync(Convert.FromHexString(bytes));
        peer.Shutdown(SocketShutdown.Send);
        _ = await Should.ThrowAsync<Linux.TomboloException>(async () => await waiting);
        _ = await Should.ThrowAsync<Linux.TomboloException>(async () => await client.ReadAsync("/a"));
    }

    public void Dispose()
    {
        _server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _folder.Dispose();
    }

    /// <summary>The system's time, that says when somebody first waits by it.</summary>
    private sealed class TellingTime : TimeProvider
    {
        private readonly TaskCompletionSource _pausing = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Pausing => _pausing.Task;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _ = _pausing.TrySetResult();
            return base.CreateTimer(callback, state, dueTime, period);
        }
    }

    private Task<StoreClient> ConnectAsync() => StoreClient.ConnectAsync(_folder["s"]);
}

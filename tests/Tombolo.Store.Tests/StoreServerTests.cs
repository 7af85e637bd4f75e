// SPDX-License-Identifier: MIT
using Tombolo.Testing;

namespace Tombolo.Store.Tests;

/// <summary>The server at its socket: clients that behave, and clients that do not.</summary>
public sealed class StoreServerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<StoreServer> _servers = [];

    private string Socket => _folder["s"];

    private ushort _who;   // which domain the next client is

    /// <summary>As on Xen: a domain reads its number in its home and writes below data; who was let read something there learns of its end from that alone.</summary>
    [Fact]
    public async Task Introduce_MakesAHome_AndReleaseTakesItAway_BeforeItIsTold()
    {
        StoreServer server = Start(options => options with { Keys = [new("/local/domain/9/own", "declared")], Identify = _ => new DomainId(_who) });
        (await server.ReleaseAsync(new(7))).ShouldBeFalse();
        await server.IntroduceAsync(new(7));
        await server.IntroduceAsync(new(9));
        await using StoreClient host = await As(0), seven = await As(7), eight = await As(8);
        (await seven.ReadAsync("domid")).ShouldBe("7");
        await seven.WriteAsync("data/alive", "1");
        (await Should.ThrowAsync<StoreException>(async () => await seven.WriteAsync("name", "x"))).Error.ShouldBe(StoreError.EACCES);
        await seven.SetPermissionsAsync("data/alive", StorePermissions.Parse("n7 r8"));
        await using IAsyncEnumerator<StoreEvent> ofEight = eight.WatchAsync("/local/domain/7/data/alive").GetAsyncEnumerator(), ofHost = host.WatchAsync("/local/domain/7").GetAsyncEnumerator();
        (await ofEight.MoveNextAsync(), await ofHost.MoveNextAsync()).ShouldBe((true, true));
        (await server.ReleaseAsync(new(7))).ShouldBeTrue();
        (await ofEight.MoveNextAsync().AsTask().WaitAsync(Watchdog.Limit)).ShouldBeTrue();
        ofEight.Current.Path.ShouldBe("/local/domain/7/data/alive");
        (await ofHost.MoveNextAsync().AsTask().WaitAsync(Watchdog.Limit)).ShouldBeTrue();
        ofHost.Current.Path.ShouldBe("/local/domain/7");
        server.Find("/local/domain/7").ShouldBeNull();
        await server.IntroduceAsync(new(7));   // the next of this number finds nothing of it
        server.Find("/local/domain/7/data").ShouldNotBeNull().Children.ShouldBeEmpty();
        await host.WriteAsync("/local/domain/6/data/told", "in advance");
        await server.IntroduceAsync(new(6));
        (await server.ReleaseAsync(new(6))).ShouldBeTrue();
        (await host.ReadAsync("/local/domain/6/data/told")).ShouldBe("in advance");
        (await server.ReleaseAsync(new(9))).ShouldBeTrue();
        server.Find("/local/domain/9").ShouldNotBeNull().Children.ShouldBe(["own"]);   // declared: neither made nor taken away
        (await host.ControlAsync("check")).ShouldBe("OK");

        async Task<StoreClient> As(ushort domain)
        {
            _who = domain;
            StoreClient client = await StoreClient.ConnectAsync(Socket);
            (await client.GetDomainPathAsync(default)).ShouldBe("/local/domain/0");   // it was let in as that
            return client;
        }
    }

    [Fact]
    public async Task Client_ByteByByte_IsAnswered()
    {
        _ = Start();
        using RawClient client = new(Socket);
        foreach (byte one in RawClient.Message(StoreOperation.Write, "/a|v", request: 77)) client.SendBytes([one]);
        (StoreHeader header, string text) = client.Next().ShouldNotBeNull();
        (header.Operation, header.RequestId, text).ShouldBe((StoreOperation.Write, 77u, "OK"));
        client.Read("/a").ShouldBe("v");
        (await _servers[0].SnapshotAsync()).Connections.ShouldBe(1);
    }

    [Fact]
    public void Client_ThatSendsManyRequestsAtOnce_GetsEveryAnswerInOrder()
    {
        _ = Start();
        using RawClient client = new(Socket);
        const int Count = 20_000;
        Thread sender = new(() =>
        {
            for (uint i = 0; i < Count; i++) client.Send(i % 2 == 0 ? StoreOperation.Write : StoreOperation.Read, i % 2 == 0 ? $"/k|{i}" : "/k|", i);
        });
        sender.Start();
        for (uint i = 0; i < Count; i++)
        {
            (StoreHeader header, string text) = client.Next().ShouldNotBeNull();
            (header.RequestId, text).ShouldBe((i, i % 2 == 0 ? "OK" : $"{i - 1}"));
        }
        sender.Join();
    }

    [Fact]
    public void Client_LongestMessages_PassWhole()
    {
        _ = Start();
        using RawClient client = new(Socket);
        string value = new('v', StoreHeader.MaxPayload - 3);
        for (int i = 0; i < 20; i++)
        {
            client.Write("/a", value).ShouldBe("OK");
            client.Read("/a").ShouldBe(value);
        }
    }

    [Theory]
    [InlineData("00000000000000000000000001100000")]                  // 4097 bytes announced
    [InlineData("020000000000000000000000ffffffff")]
    public void Client_ThatAnnouncesTooMuch_IsCutOff_AndNobodyElse(string header)
    {
        _ = Start();
        using RawClient good = new(Socket), bad = new(Socket);
        bad.SendBytes(Convert.FromHexString(header));
        bad.IsClosedByServer().ShouldBeTrue();
        good.Write("/a", "1").ShouldBe("OK");
    }

    [Fact]
    public async Task Client_ThatGoesInTheMiddle_LeavesNothing()
    {
        StoreServer server = Start();
        using (RawClient client = new(Socket))
        {
            client.Ask(StoreOperation.Watch, "/a|t|").ShouldBe("OK");
            client.Ask(StoreOperation.TransactionStart, "|").ShouldBe("1");
            client.SendBytes(RawClient.Message(StoreOperation.Write, "/a|v").AsSpan(0, 17));
        }
        while ((await server.SnapshotAsync()).Connections > 0) await Task.Yield();
        StoreSnapshot now = await server.SnapshotAsync();
        (now.Watches, now.Transactions, server.Find("/a")).ShouldBe((0, 0, null));
    }

    [Fact]
    public async Task Client_ThatDoesNotRead_HurtsNobody_AndIsToldOfWhatItMissed()
    {
        StoreServer server = Start();
        using RawClient stalled = new(Socket), other = new(Socket);
        for (int i = 0; i < 50; i++) stalled.Ask(StoreOperation.Watch, $"/a|{i}|").ShouldBe("OK");
        for (int i = 0; i < 50; i++) stalled.Event().ShouldBe($"/a|{i}");
        for (int i = 0; i < 1000; i++) other.Write($"/a/some-longer-name-{i}", "v").ShouldBe("OK");   // 50000 events, of which the stalled one reads none
        (await server.SnapshotAsync()).Connections.ShouldBe(2);
        HashSet<string> overdue = [];
        int events = 0;
        for (string told = ""; overdue.Count < 50; events++)
        {
            told = stalled.Event();
            if (told.StartsWith("/a|", StringComparison.Ordinal)) _ = overdue.Add(told);   // too many: one for each watch, for the watched path itself
        }
        events.ShouldBeLessThan(50_000);
        stalled.Read("/a/some-longer-name-999").ShouldBe("v");
    }

    [Fact]
    public void Client_ThatAsksAndNeverReads_IsNotReadAnyMore_AndOthersAre()
    {
        _ = Start();
        using RawClient deaf = new(Socket), other = new(Socket);
        other.Write("/a", new string('v', 4000));
        deaf.Socket.Blocking = false;
        byte[] question = RawClient.Message(StoreOperation.Read, "/a|");
        long sent = 0;
        bool isFull = false;
        Watchdog.Until(() =>
        {
            try { sent += deaf.Socket.Send(question); }
            catch (System.Net.Sockets.SocketException exception) when (exception.SocketErrorCode == System.Net.Sockets.SocketError.WouldBlock) { isFull = true; }
            return isFull;
        }, "the server to stop reading");
        other.Read("/a").Length.ShouldBe(4000);
        deaf.Socket.Blocking = true;
        for (long i = 0; i < sent / question.Length; i++) deaf.Next().ShouldNotBeNull().Text.Length.ShouldBe(4000);   // and every question is answered
    }

    [Fact]
    public async Task Clients_MoreThanThereArePlaces_AreRefused_AndPlacesAreUsedAgain()
    {
        StoreServer server = Start(options => options with { MaxConnections = 2 });
        using (RawClient one = new(Socket), two = new(Socket))
        {
            (one.Write("/a", "1"), two.Write("/b", "1")).ShouldBe(("OK", "OK"));
            using RawClient three = new(Socket);
            three.IsClosedByServer().ShouldBeTrue();
        }
        while ((await server.SnapshotAsync()).Connections > 0) await Task.Yield();
        using RawClient again = new(Socket);
        again.Read("/a").ShouldBe("1");
        (await server.SnapshotAsync()).Counters.Refused.ShouldBe(1);
    }

    [Fact]
    public void Identify_GivesTheDomain_AndItsRights()
    {
        _ = Start(options => options with { Identify = _ => new DomainId(5), Keys = [new("/local/domain/5/data", "", StorePermissions.Parse("n5")), new("/secret", "s")] });
        using RawClient client = new(Socket);
        (client.Write("data/x", "1"), client.Read("/local/domain/5/data/x"), client.Read("/secret"), client.Ask(StoreOperation.Control, "check|")).ShouldBe(("OK", "1", "!EACCES", "!EACCES"));
    }

    [Fact]
    public void Identify_Nobody_IsRefused()
    {
        _ = Start(options => options with { Identify = static _ => null });
        using RawClient client = new(Socket);
        client.IsClosedByServer().ShouldBeTrue();
    }

    [Fact]
    public async Task Keys_AreMadeOnce_AndKeepWhatTheyBecame()
    {
        string journal = _folder["journal"];
        StoreServerOptions With(StoreServerOptions options) => options with { JournalPath = journal, Keys = [new("/offer/id", "0", StorePermissions.Parse("b0"))] };
        StoreServer first = Start(With);
        using (RawClient client = new(Socket)) client.Write("/offer/id", "7").ShouldBe("OK");
        await first.DisposeAsync();
        File.Exists(Socket).ShouldBeFalse();
        StoreServer second = Start(With);
        second.Find("/offer/id").ShouldNotBeNull().Value.ShouldBe("7");
        second.Find("/offer/id")!.Permissions.ToString().ShouldBe("b0");
        second.Find("/offer")!.Children.ShouldBe(["id"]);
    }

    [Fact]
    public void SecondServer_IsRefused_WithTheFirstOnesProcess()
    {
        _ = Start();
        Should.Throw<StoreException>(() => Start()).Message.ShouldContain($"process id {Environment.ProcessId}");
        Should.Throw<ArgumentException>(() => StoreServer.Start(new() { SocketPath = "", MaxConnections = 0 })).Message.ShouldContain("MaxConnections is 0");
    }

    [Fact]
    public void DamagedJournal_IsSaid_AndNotTouched()
    {
        File.WriteAllText(_folder["journal"], "no journal at all, but long enough to be looked at as one, surely");
        Should.Throw<StoreException>(() => Start(options => options with { JournalPath = _folder["journal"] })).Message.ShouldContain("does not begin as a journal does; move it away");
        File.ReadAllText(_folder["journal"]).ShouldStartWith("no journal");
    }

    public void Dispose()
    {
        foreach (StoreServer server in _servers) server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _folder.Dispose();
    }

    private StoreServer Start(Func<StoreServerOptions, StoreServerOptions>? change = null)
    {
        StoreServerOptions options = new() { SocketPath = Socket };
        StoreServer server = StoreServer.Start(change?.Invoke(options) ?? options);
        _servers.Add(server);
        return server;
    }
}

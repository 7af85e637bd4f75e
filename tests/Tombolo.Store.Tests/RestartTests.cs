// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Testing;

namespace Tombolo.Store.Tests;

/// <summary>The server, a process of its own, is killed under load and started again; its clients must not be able to tell.</summary>
public sealed class RestartTests : IDisposable
{
    private const int Clients = 6;
    private static readonly string _program = Path.Combine(AppContext.BaseDirectory, "tombolo-test-server");

    private readonly TemporaryFolder _folder = new();
    private Child? _server;
    private long _operations, _increments;
    private volatile bool _isOver;

    private string Socket => _folder["s"];

    [Theory]
    [InlineData("memory", 5)]
    [InlineData("disk", 5)]
    public void KilledUnderLoad_EveryRequestIsAnsweredOnce(string journal, int kills) => Run(journal, kills, seed: 1);

    [Theory]
    [Trait("Speed", "slow")]
    [InlineData("memory", 60, 2)]
    [InlineData("disk", 60, 3)]
    public void KilledUnderLoad_ManyTimes_EveryRequestIsAnsweredOnce(string journal, int kills, int seed) => Run(journal, kills, seed);

    private void Run(string journal, int kills, int seed)
    {
        Start(journal, "ready");
        List<Exception> faults = [];
        using (RawClient first = new(Socket)) first.Write("/counter", "0").ShouldBe("OK");
        Thread[] threads = [.. Enumerable.Range(0, Clients).Select(i => new Thread(() => Guard(faults, () => Work(i)))), new Thread(() => Guard(faults, Watch))];
        foreach (Thread thread in threads) thread.Start();
        Random random = new(seed);
        for (int kill = 0; kill < kills; kill++)
        {
            // The clients' own progress is the clock.
            long until = Interlocked.Read(ref _operations) + random.Next(1, 2000);
            Watchdog.Until(() => Interlocked.Read(ref _operations) >= until || faults.Count > 0, $"clients to go on after kill {kill}");
            if (faults.Count > 0) break;
            _server!.Kill();
            Start(journal, "ready again");
        }
        _isOver = true;
        // The watcher wakes by a last change.
        foreach (Thread thread in threads.Take(Clients)) thread.Join(Watchdog.Limit).ShouldBeTrue("a client waits for an answer that does not come");
        using RawClient last = new(Socket);
        string final = last.Read("/counter");
        last.Write("/over", final).ShouldBe("OK");
        threads[Clients].Join(Watchdog.Limit).ShouldBeTrue("the watcher waits for an event that does not come");
        faults.ShouldBeEmpty();
        long.Parse(final, CultureInfo.InvariantCulture).ShouldBe(_increments, "increments that were acknowledged");
        last.Ask(StoreOperation.Control, "check|").ShouldBe("OK");
        _increments.ShouldBePositive();
    }

    // Each client has its own connection all the time, and never connects again.
    private void Work(int number)
    {
        using RawClient client = new(Socket);
        Queue<int> asked = new();
        for (int i = 0; !_isOver; i++)
        {
            switch (i % 3)
            {
                case 0:
                    client.Write($"/client/{number}", i.ToString(CultureInfo.InvariantCulture)).ShouldBe("OK");
                    client.Read($"/client/{number}").ShouldBe(i.ToString(CultureInfo.InvariantCulture));
                    break;
                case 1:
                    string id = client.Ask(StoreOperation.TransactionStart, "|");
                    uint transaction = uint.Parse(id, CultureInfo.InvariantCulture);
                    long value = long.Parse(client.Ask(StoreOperation.Read, "/counter|", transaction), CultureInfo.InvariantCulture);
                    client.Ask(StoreOperation.Write, $"/counter|{value + 1}", transaction).ShouldBe("OK");
                    string end = client.Ask(StoreOperation.TransactionEnd, "T|", transaction);
                    if (end == "OK") _ = Interlocked.Increment(ref _increments);
                    else end.ShouldBe("!EAGAIN");
                    break;
                default:
                    // Several at once, of which a removal would be answered otherwise if it were done twice.
                    for (int k = 0; k < 5; k++)
                    {
                        client.Send(StoreOperation.Write, $"/client/{number}/{i}/{k}|x", (uint)k);
                        client.Send(StoreOperation.Remove, $"/client/{number}/{i}|", (uint)(100 + k));
                        client.Send(StoreOperation.Remove, $"/client/{number}/{i}/{k}|", (uint)(200 + k));
                    }
                    for (int k = 0; k < 5; k++)
                    {
                        (client.Next()!.Value is var (written, ok) && written.RequestId == k && ok == "OK").ShouldBeTrue();
                        (client.Next()!.Value is var (removed, done) && removed.RequestId == 100 + k && done == "OK").ShouldBeTrue();
                        (client.Next()!.Value is var (missing, not) && missing.RequestId == 200 + k && not == "ENOENT").ShouldBeTrue();
                    }
                    break;
            }
            _ = Interlocked.Increment(ref _operations);
        }
    }

    // Registered once; must hear of the last change, whatever happened in between.
    private void Watch()
    {
        using RawClient client = new(Socket);
        client.Ask(StoreOperation.Watch, "/counter|c|").ShouldBe("OK");
        client.Ask(StoreOperation.Watch, "/over|o|").ShouldBe("OK");
        long seen = 0;
        while (true)
        {
            string told = client.Event();
            if (told == "/counter|c")
            {
                long now = long.Parse(client.Read("/counter"), CultureInfo.InvariantCulture);
                now.ShouldBeGreaterThanOrEqualTo(seen);
                seen = now;
            }
            else
            {
                told.ShouldBe("/over|o");
                if (client.Read("/over") is var final && final != "!ENOENT")
                {
                    client.Read("/counter").ShouldBe(final);
                    return;
                }
            }
        }
    }

    [Fact]
    public async Task KilledWithoutAKeeper_WhatWasAcknowledgedIsThere_AndClientsConnectAgain()
    {
        string journal = _folder["journal"];
        Child Serve()
        {
            Child server = new(_program, "store", Socket, $"journal={journal}", "keeper=no");
            server.ReadLine().ShouldBe("ready");
            return server;
        }
        _server = Serve();
        await using StoreClient client = await StoreClient.ConnectAsync(new StoreClientOptions { SocketPath = Socket, Pause = TimeSpan.FromMilliseconds(1) });
        await using IAsyncEnumerator<StoreEvent> events = client.WatchAsync("/n").GetAsyncEnumerator();
        (await events.MoveNextAsync()).ShouldBeTrue();
        int tried = 0, acknowledged = 0;
        Random random = new(5);
        for (int kill = 0; kill < 8; kill++)
        {
            int killAt = tried + random.Next(5, 300);
            bool isDead = false;
            while (tried < killAt + 20)
            {
                if (tried == killAt && !isDead)
                {
                    _server.Kill();
                    isDead = true;
                    _ = Task.Factory.StartNew(() => _server = Serve(), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
                }
                try
                {
                    await client.WriteAsync("/n", $"{++tried}");
                    acknowledged = tried;
                }
                catch (StoreException exception) when (exception.Error == StoreError.None) { }   // cut off: nobody knows whether it was done
            }
            int found = int.Parse((await client.ReadAsync("/n")).ShouldNotBeNull(), CultureInfo.InvariantCulture);
            found.ShouldBeInRange(acknowledged, tried);
        }
        string final = $"{tried + 1}";
        await client.WriteAsync("/n", final);
        while (await events.MoveNextAsync() && await client.ReadAsync("/n") != final) { }
    }

    [Fact]
    public void OrderlyStop_LeavesTheJournalAlone()
    {
        string journal = _folder["journal"];
        _server = new(_program, "store", Socket, $"journal={journal}");
        _server.ReadLine().ShouldBe("ready");
        using (RawClient client = new(Socket)) client.Write("/kept", "1").ShouldBe("OK");
        _server.CloseInput().ShouldBe(0);
        Watchdog.Until(() => !Path.Exists(Socket + ".keeper"), "the keeper to end");
        Directory.GetFiles(_folder.FullPath).Select(Path.GetFileName).ShouldBe(["journal"]);
        _server = new(_program, "store", Socket, $"journal={journal}", "keeper=no");
        _server.ReadLine().ShouldBe("ready");
        using RawClient again = new(Socket);
        again.Read("/kept").ShouldBe("1");
    }

    public void Dispose()
    {
        if (_server is { } server)
        {
            _ = server.CloseInput();
            server.Dispose();
        }
        _folder.Dispose();
    }

    private void Start(string journal, string expected)
    {
        _server?.Dispose();
        _server = new(_program, ["store", Socket, .. journal == "disk" ? new[] { $"journal={_folder["journal"]}" } : []]);
        _server.ReadLine().ShouldBe(expected);
    }

    private static void Guard(List<Exception> faults, Action act)
    {
        try { act(); }
        catch (Exception exception) { lock (faults) faults.Add(exception); }
    }
}

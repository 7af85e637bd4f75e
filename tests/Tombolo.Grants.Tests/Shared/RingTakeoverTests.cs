// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Ivshmem;
using Tombolo.Store;
using Tombolo.TestPeers;
using Watchdog = Tombolo.Testing.Watchdog;

namespace Tombolo.Grants.Tests;

/// <summary>A domain of a window talks to the store through its ring page, while the process that is the window's host and the store is killed and started again. The domain must not be able to tell.</summary>
public sealed class RingTakeoverTests : IDisposable
{
    private const uint Read = 2, Watch = 4, TransactionStart = 6, TransactionEnd = 7, Write = 11, Remove = 13;
    private readonly TemporaryFolder _folder = new();
    private Child? _host;
    private long _rounds;
    private volatile bool _isOver;

    // TOMBOLO_KILLS makes it more; each takes a process's start.
    private static int Kills => int.TryParse(Environment.GetEnvironmentVariable("TOMBOLO_KILLS"), NumberStyles.None, CultureInfo.InvariantCulture, out int kills) ? kills : 12;

    public void Dispose()
    {
        _host?.Dispose();
        LeftKeeper.End(_folder["window"] + ".keeper");
        LeftKeeper.End(_folder["store"] + ".keeper");
        _folder.Dispose();
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task StoreAndWindow_KilledUnderLoad_EveryRequestOfTheRingIsAnsweredOnce_AndItsWatchGoesOn()
    {
        Start("ready");
        using IvshmemClient domain = IvshmemClient.Connect(new() { SocketPath = _folder["window"], KeepsMemory = true, VectorCount = static window => GrantWindowShape.Read(window).Domains });
        GrantWindowShape shape = GrantWindowShape.Read(domain.Window);
        int place = domain.Id.Value;
        await using (StoreClient host = await StoreClient.ConnectAsync(_folder["store"]))
        {
            string home = $"/local/domain/{shape.DomainOf(place)}/data";
            await host.WriteAsync(home, "");
            while (!await host.IsDomainIntroducedAsync(shape.DomainOf(place))) await Task.Yield();
            await host.SetPermissionsAsync(home, StorePermissions.Parse($"n{shape.DomainOf(place)}"));
        }
        using var page = new ScriptedRingPage(domain.Memory!, shape.AreaOf(place) + GrantWindowShape.RingAt, () => domain.Ring(new(0), place));
        page.BeginAnew();
        page.Ask(Watch, "data/last|t|").ShouldBe("OK");
        page.NextEvent().ShouldBe("data/last|t");
        Task load = Task.Factory.StartNew(() => Load(page), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var random = new Random(4);
        for (int kill = 0; kill < Kills; kill++)
        {
            long until = Interlocked.Read(ref _rounds) + random.Next(1, 200);   // the domain's own progress is the clock
            Watchdog.Until(() => Interlocked.Read(ref _rounds) >= until || load.IsCompleted, $"the domain goes on after kill {kill}");
            if (load.IsCompleted) break;
            _host!.Kill();
            _host.Dispose();
            Start("ready again");
        }
        _isOver = true;
        await load.WaitAsync(Watchdog.Limit);
        page[ScriptedRingPage.Error].ShouldBe(0u);
        await using StoreClient last = await StoreClient.ConnectAsync(_folder["store"]);
        await last.WriteAsync($"/local/domain/{shape.DomainOf(place)}/data/last", "1");
        page.NextEvent().ShouldBe("data/last|t");   // once, and of the watch that the first store was asked for
        page.Ask(Read, "data/last|").ShouldBe("1");
    }

    private void Load(ScriptedRingPage page)
    {
        for (int round = 0; !_isOver; round++)
        {
            string value = round.ToString(CultureInfo.InvariantCulture) + new string('v', round % 1500);
            page.Ask(Write, $"data/x|{value}").ShouldBe("OK");
            page.Ask(Read, "data/x|").ShouldBe(value);
            page.Ask(Write, $"data/r/{round}|").ShouldBe("OK");
            page.Ask(Remove, $"data/r/{round}|").ShouldBe("OK");   // done twice, it would be another answer below
            page.Ask(Read, $"data/r/{round}|").ShouldBe("!ENOENT");
            uint transaction = uint.Parse(page.Ask(TransactionStart, "|"), CultureInfo.InvariantCulture);
            string written = page.Ask(Write, $"data/t|{round}", transaction), ended = page.Ask(TransactionEnd, "T|", transaction);
            (written is "OK" or "!EAGAIN" && ended is "OK" or "!EAGAIN" or "!ENOENT").ShouldBeTrue($"{written}, {ended}");   // one that was open at the death ends so
            _ = Interlocked.Increment(ref _rounds);
        }
    }

    private void Start(string expected)
    {
        _host = new(Path.Combine(AppContext.BaseDirectory, "tombolo-test-server"), "grant-host", _folder["window"], _folder["store"]);
        _host.ReadLine().ShouldBe(expected, _host.Errors);
    }
}

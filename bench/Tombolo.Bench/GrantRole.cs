// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Tombolo.Grants;
using Tombolo.Store;

namespace Tombolo.Bench;

/// <summary>One of two domains in a process of its own. The first measures; the second does what the first tells it through a link of messages, and says when it is done.</summary>
internal sealed class GrantRole : IAsyncDisposable
{
    private const string Orders = "/bench/orders", Work = "/bench/work";
    private static readonly DomainId _first = new(1), _second = new(2);
    private static readonly OfferKeys _keys = new("/bench/keys");

    private readonly string _folder;
    private readonly StoreClient _store;
    private readonly IDomain _domain;
    private readonly GrantLink _orders;

    private GrantRole(string folder, StoreClient store, IDomain domain, GrantLink orders) => (_folder, _store, _domain, _orders) = (folder, store, domain, orders);

    /// <summary>The parts of a measurement of set-up times, in the order of the figures that <see cref="SetUpAsync"/> prints.</summary>
    public static IReadOnlyList<string> Steps { get; } =
    [
        "a process joins: it connects to the store and to the service for grants",
        "one page: granted, mapped in the other process, its first word read there",
        "256 pages (1 MiB) in one grant, the same",
        "a pair of event channels: allocated, bound in the other process, its event heard",
        "offer and accept through the store, from nothing to the message taken",
        "a `GrantLink` (2 × 256 KiB), from nothing to the first byte received",
    ];

    /// <summary>Joins the services of a folder and finds the other side.</summary>
    public static async Task<GrantRole> OpenAsync(string folder, bool isFirst)
    {
        (StoreClient store, IDomain domain) = await JoinAsync(folder, isFirst ? _first : _second);
        if (isFirst) await _keys.MakeAsync(store);
        GrantLinkOptions options = new() { Kind = GrantLinkKind.Messages, CapacityBytes = 4096 };
        GrantLink orders = isFirst ? await GrantLink.OfferAsync(store, domain, _second, Orders, options) : await GrantLink.AcceptAsync(store, domain, _first, Orders, options);
        return new(folder, store, domain, orders);
    }

    /// <summary>Does each step so often, and prints each one's median in microseconds.</summary>
    public async Task SetUpAsync(int trials)
    {
        Func<Task<long>>[] steps = [JoinOnceAsync, () => PagesOnceAsync(1), () => PagesOnceAsync(256), PortOnceAsync, OfferOnceAsync, LinkOnceAsync];
        var medians = new List<double>();
        foreach (Func<Task<long>> step in steps)
        {
            var sample = new Sample();
            for (int i = -trials / 10; i < trials; i++)
                if (await step() is var ticks && i >= 0) sample.Add(ticks * 1e6 / Stopwatch.Frequency);
            medians.Add(sample.Median);
        }
        Console.WriteLine(string.Join(' ', medians.Select(median => median.ToString("0.0", CultureInfo.InvariantCulture))));
    }

    /// <summary>Writes so many times so many bytes to a stream, as fast as it goes, and prints the nanoseconds until the other side has them all.</summary>
    public async Task StreamAsync(int bytes, int count, int capacity)
    {
        await using GrantLink link = await GrantLink.OfferAsync(_store, _domain, _second, Work, Polling with { CapacityBytes = capacity });
        byte[] buffer = new byte[bytes];
        buffer.AsSpan().Fill(1);
        int warmUp = Math.Max(count / 10, 1);
        Tell(Invariant($"stream {bytes} {warmUp} {count}"));
        long start = 0;
        foreach (int writes in (int[])[warmUp, count])
        {
            start = Stopwatch.GetTimestamp();
            for (int i = 0; i < writes; i++) link.Stream!.Write(buffer);
            _ = link.Stream!.ReadByte();
        }
        Console.WriteLine(((long)(Stopwatch.GetElapsedTime(start).TotalMicroseconds * 1000)).ToString(CultureInfo.InvariantCulture));
        Hear();
    }

    /// <summary>The second side: obeys until the first one is gone.</summary>
    public async Task ObeyAsync()
    {
        Console.WriteLine("ready");
        while (_orders.In!.WaitForMessage(Timeout.InfiniteTimeSpan) == Channels.ChannelWait.Ready)
        {
            string[] words = Hear().Split(' ');
            uint[] numbers = [.. words.Skip(1).Select(word => uint.Parse(word, CultureInfo.InvariantCulture))];
            await (words[0] switch
            {
                "map" => MapAsync(numbers[0], (int)numbers[1]),
                "bind" => BindAsync(numbers[0]),
                "accept" => AcceptAsync(),
                "link" => AnswerAsync(),
                _ => SinkAsync((int)numbers[0], (int)numbers[1], (int)numbers[2]),
            });
            Tell("done");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _orders.DisposeAsync();
        _domain.Dispose();
        await _store.DisposeAsync();
    }

    // A stream's ends wait as those of the measurement of channels do.
    private static GrantLinkOptions Polling => new() { Ends = new() { Spin = TimeSpan.FromMilliseconds(100) } };

    private static async Task<(StoreClient, IDomain)> JoinAsync(string folder, DomainId domain) =>
        (await StoreClient.ConnectAsync(Path.Combine(folder, "store")), GrantClient.Connect(new() { SocketPath = Path.Combine(folder, "grants"), Domain = domain }));

    private async Task<long> JoinOnceAsync()
    {
        long start = Stopwatch.GetTimestamp();
        (StoreClient store, IDomain domain) = await JoinAsync(_folder, _first);
        long taken = Stopwatch.GetTimestamp() - start;
        domain.Dispose();
        await store.DisposeAsync();
        return taken;
    }

    private Task<long> PagesOnceAsync(int pages)
    {
        long start = Stopwatch.GetTimestamp();
        GrantedPages granted = _domain.Grants.Grant(_second, pages);
        granted.Window.View(0, 4).WriteRelease32(0, granted.References[0].Value);
        Tell(Invariant($"map {granted.References[0]} {pages}"));
        if (Hear() != granted.References[0].ToString()) throw new InvalidOperationException("The page holds something else there.");
        long taken = Stopwatch.GetTimestamp() - start;
        _ = Hear();
        if (granted.TryEnd() != EndOfAccess.Ended) throw new InvalidOperationException("The page is still mapped there.");
        return Task.FromResult(taken);
    }

    private async Task MapAsync(uint reference, int pages)
    {
        using MappedPages mapped = _domain.Grants.Map(_first, [.. Enumerable.Range(0, pages).Select(page => new GrantRef(reference + (uint)page))]);
        Tell(Invariant($"{mapped.Window.View(0, 4).ReadAcquire32(0)}"));
    }

    private Task<long> PortOnceAsync()
    {
        long start = Stopwatch.GetTimestamp();
        using EventChannel port = _domain.Events.AllocateUnbound(_second);
        Tell($"bind {port.Port}");
        if (!port.Wait(TimeSpan.FromMinutes(1))) throw new InvalidOperationException("No event comes.");
        long taken = Stopwatch.GetTimestamp() - start;
        _ = Hear();
        return Task.FromResult(taken);
    }

    private Task BindAsync(uint remote)
    {
        using EventChannel port = _domain.Events.BindInterdomain(_first, new(remote));
        port.Notify();
        return Task.CompletedTask;
    }

    private async Task<long> OfferOnceAsync()
    {
        Tell("accept");
        long start = Stopwatch.GetTimestamp();
        await using GrantOffer offer = await GrantOffer.StartAsync(_store, _domain, _keys);
        await offer.SendAsync("hello"u8.ToArray());
        long taken = Stopwatch.GetTimestamp() - start;
        _ = Hear();
        return taken;
    }

    private async Task AcceptAsync()
    {
        await using GrantAccept accept = await GrantAccept.StartAsync(_store, _domain, _keys);
        await foreach (byte[] _ in accept.ReceiveAllAsync(1)) { }
    }

    private async Task<long> LinkOnceAsync()
    {
        Tell("link");
        long start = Stopwatch.GetTimestamp();
        await using GrantLink link = await GrantLink.OfferAsync(_store, _domain, _second, Work);
        _ = link.Stream!.ReadByte();
        long taken = Stopwatch.GetTimestamp() - start;
        _ = Hear();
        return taken;
    }

    private async Task AnswerAsync()
    {
        await using GrantLink link = await GrantLink.AcceptAsync(_store, _domain, _first, Work);
        link.Stream!.WriteByte(1);
    }

    private async Task SinkAsync(int bytes, int warmUp, int count)
    {
        await using GrantLink link = await GrantLink.AcceptAsync(_store, _domain, _first, Work, Polling);
        byte[] buffer = new byte[bytes];
        foreach (int writes in (int[])[warmUp, count])
        {
            for (long left = (long)bytes * writes; left > 0;) left -= link.Stream!.Read(buffer);
            link.Stream!.WriteByte(1);
        }
    }

    private void Tell(string what) => _orders.Out!.Write(Encoding.ASCII.GetBytes(what));

    private string Hear()
    {
        byte[]? message;
        while (!_orders.In!.TryRead(out message))
            if (_orders.In.WaitForMessage(Timeout.InfiniteTimeSpan) != Channels.ChannelWait.Ready) throw new InvalidOperationException("The other side is gone.");
        return Encoding.ASCII.GetString(message!);
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}

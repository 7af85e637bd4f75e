// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging;
using Tombolo.Ivshmem;
using Tombolo.Linux;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>Settings of a <see cref="WindowHost"/>. Immutable.</summary>
public sealed record WindowHostOptions
{
    /// <summary>Where guests and host processes join.</summary>
    public required string SocketPath { get; init; }
    /// <summary>The window's layout. QEMU needs <c>vectors=</c> as many as it has domains. Default: 8 domains.</summary>
    public GrantWindowShape Shape { get; init; } = new();
    /// <summary>Changes to the doorbell server's settings, such as who may connect; those that the layout decides are set afterwards. Default none.</summary>
    public Func<DoorbellServerOptions, DoorbellServerOptions> Doorbell { get; init; } = static options => options;
}

/// <summary>A window with grants, and its host: a doorbell server whose memory is laid out for domains, who is domain 0 in it, looks after the dead, joins domains to the store, and copies to other windows.</summary>
/// <remarks>
/// A domain that is gone (its QEMU or process ended, however) is taken out of the window before its number is given again: what it had mapped is not mapped any more, ports that were bound to it wait for it
/// again, what it granted and nobody has mapped is free. A guest that starts anew without its QEMU ending cleans up by itself.
/// </remarks>
public sealed class WindowHost : IAsyncDisposable, IDoorbellObserver, IRingFinder
{
    private const int StoreVector = 1;
    private readonly ManualResetEventSlim _isLaidOut = new();   // the server's loop runs a moment before its memory is laid out
    private readonly StoreServer? _store;
    private readonly CopyDesk? _desk;
    private readonly WindowDomain _host;
    private readonly int[] _processes;   // by place, 0 where nobody is; written on the server's loop
    private Task _told = Task.CompletedTask;   // what the store was told last; only the server's loop goes on from it

    private WindowHost(WindowHostOptions options, StoreServer? store, CopyDesk? desk, ILogger? log)
    {
        (_store, _desk) = (store, desk);
        GrantWindowShape shape = options.Shape;
        _processes = new int[shape.Domains];
        Server = DoorbellServer.Start(options.Doorbell(new()) with
        {
            SocketPath = options.SocketPath,
            SizeBytes = shape.WindowBytes,
            Vectors = Math.Max(shape.Domains, 2),
            Ids = IdPolicy.Sticky,
            FirstId = 1,
            MaxPeers = shape.Domains - 1,
            ResidentId = 0,
            Contents = $"grants {shape.Domains} {shape.FirstDomain} {shape.Ports} {shape.Entries} {shape.Pages}",
        }, this, log);
        try
        {
            if (!Server.TookOver) shape.LayOut(Server.Window);
            Words = new(Server.Window, GrantWindowShape.Read(Server.Window));
            _host = WindowDomain.Join(Server.Resident!, Server.Memory, Rung);
            _desk?.Add(Words);
            _store?.AddRings(this);
            if (Server.TookOver) Rung();   // what was asked for while no host was there
        }
        catch
        {
            Server.DisposeAsync().AsTask().GetAwaiter().GetResult();
            throw;
        }
        finally { _isLaidOut.Set(); }
    }

    /// <summary>The doorbell server.</summary>
    public DoorbellServer Server { get; }

    /// <summary>The steps on the window's words.</summary>
    public GrantWindow Words { get; }

    /// <summary>The host itself: domain 0. Disposed with this object.</summary>
    public IDomain Host => _host;

    /// <summary>Starts a window.</summary>
    /// <param name="options">Its settings.</param>
    /// <param name="store">The store that its domains reach through their ring pages; or null. Borrowed.</param>
    /// <param name="desk">Copies to other windows; or null. Borrowed.</param>
    /// <param name="log">Where the doorbell server says what it does; or null.</param>
    /// <exception cref="ArgumentException">The settings have problems, or a domain is in another window of the desk.</exception>
    /// <exception cref="IvshmemException">A living server is there already.</exception>
    /// <exception cref="LinuxException">The kernel refused. Nothing is left behind.</exception>
    public static WindowHost Start(WindowHostOptions options, StoreServer? store = null, CopyDesk? desk = null, ILogger? log = null)
    {
        string[] problems = [.. options.Shape.Problems()];
        return problems.Length == 0 ? new(options, store, desk, log) : throw new ArgumentException(string.Join(' ', problems), nameof(options));
    }

    /// <inheritdoc/>
    void IDoorbellObserver.Joining(PeerId id, PeerCredentials who)
    {
        _isLaidOut.Wait();
        if (Words is null || !IsPlace(id)) return;
        Volatile.Write(ref _processes[id.Value], who.ProcessId);
        Words.Forget(id.Value);   // also what a host that died had no time for
        Tell(() => IntroduceAsync(id.Value));
    }

    /// <inheritdoc/>
    void IDoorbellObserver.Joined(PeerId id) { }

    /// <inheritdoc/>
    void IDoorbellObserver.Left(PeerId id)
    {
        _isLaidOut.Wait();
        if (Words is null || !IsPlace(id)) return;
        Volatile.Write(ref _processes[id.Value], 0);
        Words.Forget(id.Value);
        Tell(() => _store!.ReleaseAsync(Words.Shape.DomainOf(id.Value)));
    }

    /// <inheritdoc/>
    void IDoorbellObserver.Kept(PeerId id, PeerCredentials who)
    {
        _isLaidOut.Wait();
        if (Words is null || !IsPlace(id)) return;
        Volatile.Write(ref _processes[id.Value], who.ProcessId);
        if (RingOf(id.Value) is { } ring) Tell(() => _store!.ResumeAsync(Words.Shape.DomainOf(id.Value), ring));
    }

    /// <summary>The process that is a domain of this window; 0 where none is. Thread-safe.</summary>
    /// <param name="domain">The domain.</param>
    public int ProcessOf(DomainId domain) => Words.Shape.PlaceOf(domain) is { } place ? Volatile.Read(ref _processes[place]) : 0;

    /// <summary>What the tables say now: grants, joined where they follow each other, and ports. A line of another's lies is shown as it stands. Thread-safe.</summary>
    /// <param name="nameOf">Names a process that is in the window.</param>
    public GrantSnapshot Snapshot(Func<int, string> nameOf)
    {
        List<DomainId> present = [];
        List<GrantInfo> grants = [];
        List<PortInfo> ports = [];
        for (int place = 0; place < Words.Shape.Domains; place++)
        {
            int process = place == 0 ? Environment.ProcessId : Volatile.Read(ref _processes[place]);
            if (process != 0 && place != 0) present.Add(Words.Shape.DomainOf(place));
            if (!Words.WasUsed(place)) continue;   // reading its pages would only make the kernel find memory for them
            string who = process == 0 ? "nobody" : nameOf(process);
            grants.AddRange(Words.GrantsOf(place, who));
            ports.AddRange(Words.PortsOf(place, who));
        }
        return new(present, grants, ports);
    }

    /// <inheritdoc/>
    bool IRingFinder.Has(DomainId domain) => domain.Value != 0 && Words.Shape.PlaceOf(domain) is not null;

    /// <inheritdoc/>
    StoreRing? IRingFinder.Find(DomainId domain, ulong frame) =>
        Words.Shape.PlaceOf(domain) is { } place && frame is 0 or GrantWindowShape.RingAt / GrantWindowShape.PageBytes ? RingOf(place) : null;

    /// <summary>Stops: the domains keep the memory and each other, but nobody looks after them any more.</summary>
    public async ValueTask DisposeAsync()
    {
        _desk?.Remove(Words);
        _store?.RemoveRings(this);
        _host.Dispose();
        await Server.DisposeAsync();
        await _told.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _isLaidOut.Dispose();
    }

    private bool IsPlace(PeerId id) => id.Value >= 1 && id.Value < Words.Shape.Domains;

    // In order, one after the other; a store that has ended ends no session here.
    private void Tell(Func<Task> what)
    {
        if (_store is null) return;
        Task before = _told;
        _told = TellAfterAsync(before, what);
    }

    private static async Task TellAfterAsync(Task before, Func<Task> what)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        try { await what(); }
        catch (Exception exception) when (exception is TomboloException or ObjectDisposedException) { }
    }

    private async Task IntroduceAsync(int place)
    {
        if (RingOf(place) is not { } ring) return;
        Words.Window.View(ring.OffsetBytes, GrantWindowShape.PageBytes).Clear(0, GrantWindowShape.PageBytes);
        await _store!.IntroduceAsync(Words.Shape.DomainOf(place), ring);
    }

    private StoreRing? RingOf(int place) => Server.DoorbellsOf(new((ushort)place)) is { } bells
        ? new(Server.Memory, Words.Shape.AreaOf(place) + GrantWindowShape.RingAt, Server.Resident!.Vectors[place], bells[StoreVector]) : null;

    // On the host's own loop.
    private void Rung()
    {
        if (_desk is null || Words is null) return;
        _desk.Serve(Words, place => _ = Server.Resident!.Ring(new((ushort)place), 0));
    }
}

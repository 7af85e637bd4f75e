// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Tombolo.Ivshmem;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Regions;

/// <summary>Serves one window of regions: a doorbell server with place for one VM, in which it pretends to be peer 0, and a socket for host clients.</summary>
/// <remarks>
/// Vector <i>i</i> of peer 0 is region <i>i</i>'s guest-to-host doorbell, vector <i>i</i> of the VM its host-to-guest doorbell; both live as long as the server, whatever VM comes and goes.
/// The layout is in memory before a VM gets the first byte. With a keeper, the server can be killed and started again: the VM and host clients notice nothing.
/// Several can run in a process, each with a window and sockets of its own.
/// </remarks>
public sealed class RegionServer : IAsyncDisposable
{
    private static readonly PeerId _machineId = new(1);
    private const string ClientsName = "clients";

    private readonly RegionServerOptions _options;
    private readonly FileLock _lock;
    private readonly DoorbellServer _doorbell;
    private readonly SafeFd _readOnly, _nowhere;
    private readonly ClientLoop _clients;
    private readonly LoopThread _thread;
    private readonly Lock _gate = new();   // guards _driverWatch, and that _driver is of the VM that is there
    private DriverWatch? _driverWatch;
    private volatile TaskCompletionSource _driver = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isDisposed;

    private RegionServer(RegionServerOptions options, FileLock held, DoorbellServer doorbell, Observer observer, ILogger log)
    {
        (_options, _lock, _doorbell) = (options, held, doorbell);
        Layout.Write(doorbell.Window, clearSignals: !doorbell.TookOver);
        _readOnly = SharedFile.ReopenReadOnly(doorbell.Memory);
        _nowhere = EventFd.Create();
        FromGuest = doorbell.Resident!.Vectors;
        ToGuest = doorbell.DoorbellsOf(_machineId)!;
        _clients = new(options, Listener(), Grant, new(Layout, doorbell.Window, FromGuest, ToGuest, options.Time), new(doorbell, Layout), log);
        if (doorbell.TookOver) LookAround();
        observer.Open(this);
        _thread = new("region-clients", _clients.Run, exception => Log.LoopFault(log, exception.ToString()));
    }

    /// <summary>Which regions there are.</summary>
    public RegionLayout Layout => _options.Layout;

    /// <summary>The doorbell server below; borrowed.</summary>
    public DoorbellServer Doorbell => _doorbell;

    /// <summary>The window; borrowed.</summary>
    public Window Window => _doorbell.Window;

    /// <summary>The guest-to-host doorbells, by region; borrowed.</summary>
    public IReadOnlyList<SafeFd> FromGuest { get; }

    /// <summary>The host-to-guest doorbells, by region; borrowed.</summary>
    public IReadOnlyList<SafeFd> ToGuest { get; }

    /// <summary>Ends when the server does; fails where a fault of ours ended it.</summary>
    public Task Completion => Task.WhenAny(_thread.Completion, _doorbell.Completion).Unwrap();

    /// <summary>Completes once the guest's driver has shown itself by a ring, since the VM that is there came; where there is none, with the next. A VM that was there before this server is taken to have it.</summary>
    public Task DriverIsThere => _driver.Task;

    /// <summary>Whether this server took over from one that was killed.</summary>
    public bool TookOver => _doorbell.TookOver;

    /// <summary>Starts a server.</summary>
    /// <param name="options">Its settings.</param>
    /// <param name="log">Where it says what it does; or null.</param>
    /// <returns>The running server: VM and clients can connect.</returns>
    /// <exception cref="ArgumentException">The settings have problems; the message names them all.</exception>
    /// <exception cref="IvshmemException">A living server is there already, or the settings cannot fit.</exception>
    /// <exception cref="LinuxException">The kernel refused. Nothing is left behind.</exception>
    public static async Task<RegionServer> StartAsync(RegionServerOptions options, ILogger? log = null)
    {
        string[] problems = [.. options.Problems()];
        if (problems.Length > 0) throw new ArgumentException(string.Join(' ', problems), nameof(options));
        log ??= NullLogger.Instance;
        FileLock held = FileLock.TryTake(options.ClientSocket + ".lock", out int owner) ?? throw SocketClaim.Alive(options.ClientSocket, owner);
        var observer = new Observer(log);
        DoorbellServer? doorbell = null;
        try
        {
            doorbell = DoorbellServer.Start(options.ServerOptions with { Contents = Print(options.Layout) }, observer, log);
            var server = new RegionServer(options, held, doorbell, observer, log);
            server._thread.Start();
            Log.Serving(log, options.Layout.Regions.Count, options.Layout.WindowBytes, options.ClientSocket);
            return server;
        }
        catch
        {
            observer.Open(null);
            if (doorbell is not null) await doorbell.DisposeAsync();
            held.Dispose();
            throw;
        }
    }

    /// <summary>What the server's state is now.</summary>
    /// <exception cref="ObjectDisposedException">It has ended.</exception>
    public async Task<RegionSnapshot> SnapshotAsync()
    {
        DoorbellSnapshot doorbell = await _doorbell.SnapshotAsync();
        RegionCounters clients = await _clients.Commands.AskAsync(() => _clients.Counters, _thread.Completion, "region server");
        return new(Layout, doorbell.Peers.Count > 0 ? doorbell.Peers[0] : null, clients, doorbell) { HasDriver = doorbell.Peers.Count > 0 && DriverIsThere.IsCompletedSuccessfully };
    }

    /// <summary>Stops in order; nothing is left behind. VM and clients keep their memory and doorbells.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        _clients.Commands.Post(_clients.Stop);
        await _thread.WhenEndedAsync();
        File.Delete(_options.ClientSocket);
        await _doorbell.DisposeAsync();
        WatchForDriver(false);
        _clients.Dispose();
        _readOnly.Dispose();
        _nowhere.Dispose();
        _lock.Dispose();
    }

    // The keeper holds the clients' socket too: who connects while no server runs waits for the next one.
    private SafeFd Listener()
    {
        if (_doorbell.Kept(ClientsName) is { } kept && Path.Exists(_options.ClientSocket)) return kept;
        _ = SocketClaim.Clear(_options.ClientSocket);
        SafeFd listener = UnixSocket.Listen(_options.ClientSocket, UnixSocketKind.Stream, _options.ClientMode, _options.ClientGroup);
        _doorbell.Keep(ClientsName, listener);
        return listener;
    }

    // A receiver that died with the last server may have taken signals and woken nobody: everybody looks. Readers served by it are unknown here, so the sweeper expects some.
    private void LookAround()
    {
        _clients.WatchForReaders();
        foreach (SafeFd bell in FromGuest) _ = EventFd.Signal(bell);
    }

    private RegionGrant? Grant(PeerCredentials who, string name) => _options.RightsOf(who, name) switch
    {
        RegionRights.Write => new(Layout.IndexOf(name), FromGuest[Layout.IndexOf(name)], ToGuest[Layout.IndexOf(name)], _doorbell.Memory, IsReader: false),
        RegionRights.Read => new(Layout.IndexOf(name), FromGuest[Layout.IndexOf(name)], _nowhere, _readOnly, IsReader: true),
        _ => null,
    };

    // The VM is gone: what it signalled is delivered, and what was on its way to it is void. The next one begins with empty tables and a ring for each signal.
    private void Settle()
    {
        for (int index = 0; index < Layout.Regions.Count; index++)
        {
            RegionDescriptor region = Layout.Regions[index];
            var fromGuest = new RegionGround(Window, region, region.GuestToHost, FromGuest[index]);
            _ = SignalProtocol.Receive(ref fromGuest, region.LengthBytes);
            var toGuest = new RegionGround(Window, region, region.HostToGuest, ToGuest[index]);
            for (int slot = 0; slot < toGuest.Slots; slot++) _ = toGuest.ExchangeSlot(slot, 0);
            _ = toGuest.ExchangeSignalled(0);
            _ = EventFd.Signal(FromGuest[index]);   // whoever waits for the guest looks once more
        }
    }

    // A VM comes (true) or has gone.
    private void WatchForDriver(bool isComing)
    {
        DriverWatch? old;
        lock (_gate)
        {
            (old, _driverWatch) = (_driverWatch, null);
            if (_driver.Task.IsCompleted) _driver = new(TaskCreationOptions.RunContinuationsAsynchronously);   // who waits already goes on waiting
            TaskCompletionSource mine = _driver;
            if (isComing) _driverWatch = new(FromGuest, () => mine.TrySetResult());
        }
        old?.Dispose();
    }

    private static string Print(RegionLayout layout)
    {
        byte[] bytes = new byte[layout.Regions.Count * RegionDescriptor.Size];
        for (int index = 0; index < layout.Regions.Count; index++) layout.Regions[index].Write(bytes.AsSpan(index * RegionDescriptor.Size));
        return string.Create(CultureInfo.InvariantCulture, $"regions {layout.Minor} {Convert.ToHexString(SHA256.HashData(bytes))}");
    }

    // Called on the doorbell server's loop, which may start before the layout is written: the first call waits for that, a matter of microseconds.
    private sealed class Observer(ILogger log) : IDoorbellObserver
    {
        private readonly TaskCompletionSource _isOpen = new();
        private RegionServer? _server;

        public void Open(RegionServer? server)
        {
            _server = server;
            _ = _isOpen.TrySetResult();
        }

        public void Joining(PeerId id, PeerCredentials who)
        {
            _isOpen.Task.Wait();
            _server?.WatchForDriver(true);
            Log.MachineThere(log, who.ProcessId);
        }

        public void Joined(PeerId id) { }

        public void Kept(PeerId id, PeerCredentials who)
        {
            _isOpen.Task.Wait();
            _ = _server?._driver.TrySetResult();
            Log.MachineThere(log, who.ProcessId);
        }

        public void Left(PeerId id)
        {
            _isOpen.Task.Wait();
            _server?.WatchForDriver(false);
            _server?.Settle();
            Log.MachineGone(log);
        }
    }
}

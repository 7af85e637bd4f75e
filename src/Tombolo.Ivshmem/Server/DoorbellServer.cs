// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Ivshmem;

/// <summary>An ivshmem doorbell server: what QEMU's <c>ivshmem-doorbell</c> devices and other clients connect to.</summary>
/// <remarks>
/// It runs on one thread of its own. With a keeper, it can be killed and started again under its clients: they keep their IDs, memory and doorbells.
/// Source: QEMU 7.2 docs/specs/ivshmem-spec, and the measured behaviour of QEMU 7.2.
/// </remarks>
public sealed class DoorbellServer : IAsyncDisposable
{
    private readonly ServerParts _parts;
    private readonly ServerLoop _loop;
    private readonly LoopThread _thread;
    private bool _isDisposed;

    private DoorbellServer(DoorbellServerOptions options, IDoorbellObserver? observer, ILogger log, Action step)
    {
        _parts = ServerParts.Open(options, log);
        _loop = new(options, _parts, observer, log, step);
        _thread = new("doorbell-server", _loop.Run, exception => Log.LoopFault(log, exception.ToString()));
    }

    /// <summary>The shared memory.</summary>
    public Window Window => _parts.Window;

    /// <summary>The shared memory's descriptor, borrowed: for handing it on by another way.</summary>
    public SafeFd Memory => _parts.Memory.Descriptor;

    /// <summary>The server's own part in the fabric, if <see cref="DoorbellServerOptions.ResidentId"/> asked for it.</summary>
    public IParticipant? Resident => _loop.Resident;

    /// <summary>Ends when the server does; fails where a fault of ours ended it.</summary>
    public Task Completion => _thread.Completion;

    /// <summary>Whether this server took over a fabric that another one, killed, had left in the keeper.</summary>
    public bool TookOver => _parts.Found is not null;

    /// <summary>Starts a server.</summary>
    /// <param name="options">Its settings.</param>
    /// <param name="observer">Hears of comings and goings, on the server's loop; or null.</param>
    /// <param name="log">Where it says what it does; or null.</param>
    /// <returns>The running server: clients can connect.</returns>
    /// <exception cref="ArgumentException">The settings have problems; the message names them all.</exception>
    /// <exception cref="IvshmemException">A living server is there already, or the settings cannot fit.</exception>
    /// <exception cref="LinuxException">The kernel refused. Nothing is left behind.</exception>
    public static DoorbellServer Start(DoorbellServerOptions options, IDoorbellObserver? observer = null, ILogger? log = null) =>
        Start(options, observer, log, static () => { });

    /// <summary>As above, with a hook before and after every step that changes what a successor would find. For tests that kill the server at each of them.</summary>
    internal static DoorbellServer Start(DoorbellServerOptions options, IDoorbellObserver? observer, ILogger? log, Action step)
    {
        string[] problems = [.. options.Problems()];
        if (problems.Length > 0) throw new ArgumentException(string.Join(' ', problems), nameof(options));
        var server = new DoorbellServer(options, observer, log ?? NullLogger.Instance, step);
        server._thread.Start();
        return server;
    }

    /// <summary>The eventfds on which a peer hears, by vector, borrowed: those of a sticky slot or of the resident live as long as the server.</summary>
    /// <param name="id">The peer's number.</param>
    /// <returns>Null where there is no such peer. Thread-safe.</returns>
    public IReadOnlyList<SafeFd>? DoorbellsOf(PeerId id) => _loop.Resident is { } own && own.Id == id ? own.Vectors : _loop.EventsOf(id);

    /// <summary>Has the keeper hold a descriptor of the owner's beside the server's own, so that a successor finds it with <see cref="Kept"/>. Without a keeper it is only owned.</summary>
    /// <param name="name">At most 40 letters, without '.' and '#'; what stood under it is closed.</param>
    /// <param name="fd">Owned by the server from now on.</param>
    /// <remarks>Thread-safe.</remarks>
    public void Keep(string name, SafeFd fd) => _parts.KeepBeside(name, fd);

    /// <summary>What <see cref="Keep"/> was given, by this server or by the one that it took over from; borrowed.</summary>
    /// <param name="name">The name.</param>
    /// <returns>Null where there is none. Thread-safe.</returns>
    public SafeFd? Kept(string name) => _parts.Beside(name);

    /// <summary>Names of all that <see cref="Keep"/> was given, by this server or by the one that it took over from. Thread-safe.</summary>
    public IReadOnlyList<string> KeptNames() => _parts.BesideNames();

    /// <summary>Keeps no longer what <see cref="Keep"/> was given: it is the caller's again. Thread-safe.</summary>
    /// <param name="name">The name; one that there is not is no error.</param>
    public void Forget(string name) => _parts.ForgetBeside(name);

    /// <summary>What the server's state is now.</summary>
    /// <exception cref="ObjectDisposedException">It has ended.</exception>
    public Task<DoorbellSnapshot> SnapshotAsync() => _loop.Commands.AskAsync(_loop.Snapshot, _thread.Completion, "doorbell server");

    /// <summary>Stops in order: who waits is refused, handshakes are finished, nothing is left behind. Clients keep their memory and doorbells.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        _loop.Commands.Post(_loop.Stop);
        await _thread.WhenEndedAsync();
        _parts.Dispose();
        _loop.Dispose();
    }
}

// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Tombolo.Ivshmem;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Grants;

/// <summary>Hands granted memory and event channels over between the processes of a host, each to the domain that it is meant for and to no other.</summary>
/// <remarks>
/// It is in the way of neither memory nor events. When it is killed, mappings and event channels go on; a new one at the same place hears from the processes what stands, and knows as much as the old one.
/// </remarks>
public sealed class GrantServer : IAsyncDisposable
{
    private readonly GrantServerOptions _options;
    private readonly FileLock _lock;
    private readonly SafeFd _listener;
    private readonly GrantLoop _loop;
    private readonly LoopThread _thread;
    private bool _isDisposed;

    private GrantServer(GrantServerOptions options, FileLock held, SafeFd listener, bool tookOver, IGrantObserver? observer, ILogger log)
    {
        (_options, _lock, _listener, TookOver) = (options, held, listener, tookOver);
        _loop = new(options, listener, tookOver && options.Grace > TimeSpan.Zero, observer, log);
        _thread = new("grant-server", _loop.Run, exception => Log.LoopFault(log, exception.ToString()));
    }

    /// <summary>Ends when the server does; fails where a fault of ours ended it.</summary>
    public Task Completion => _thread.Completion;

    /// <summary>Whether this server came in the place of one that was killed.</summary>
    public bool TookOver { get; }

    /// <summary>Starts a server.</summary>
    /// <param name="options">Its settings.</param>
    /// <param name="observer">Who wants to know which domains are there, or null.</param>
    /// <param name="log">Where it says what it does; or null.</param>
    /// <returns>The running server: processes can connect.</returns>
    /// <exception cref="ArgumentException">The settings have problems; the message names them all.</exception>
    /// <exception cref="GrantException">A living server is there already.</exception>
    /// <exception cref="LinuxException">The kernel refused. Nothing is left behind.</exception>
    public static GrantServer Start(GrantServerOptions options, IGrantObserver? observer = null, ILogger? log = null)
    {
        string[] problems = [.. options.Problems()];
        if (problems.Length > 0) throw new ArgumentException(string.Join(' ', problems), nameof(options));
        log ??= NullLogger.Instance;
        FileLock held = FileLock.TryTake(options.SocketPath + ".lock", out int owner) ?? throw new GrantException(GrantFault.Lost, SocketClaim.Alive(options.SocketPath, owner).Message);
        try
        {
            _ = ResourceLimit.RaiseOpenFiles();
            SocketPlace place = UnixSocket.ClearStale(options.SocketPath, UnixSocketKind.SequencedPacket, out owner);
            if (place is SocketPlace.Served or SocketPlace.Other)
                throw new GrantException(GrantFault.Lost, place == SocketPlace.Served ? SocketClaim.Alive(options.SocketPath, owner).Message : $"'{options.SocketPath}' exists and is not a socket; move it away or choose another path.");
            SafeFd listener = UnixSocket.Listen(options.SocketPath, UnixSocketKind.SequencedPacket, options.SocketMode, options.SocketGroup);
            GrantServer server;
            try { server = new(options, held, listener, place == SocketPlace.Stale, observer, log); }
            catch
            {
                listener.Dispose();
                throw;
            }
            if (server.TookOver) Log.Grace(log, options.Grace.TotalSeconds);
            Log.Serving(log, options.SocketPath);
            server._thread.Start();
            return server;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>What there is now.</summary>
    /// <exception cref="ObjectDisposedException">It has ended.</exception>
    public Task<GrantSnapshot> SnapshotAsync() => _loop.Commands.AskAsync(_loop.Snapshot, _thread.Completion, "grants' server");

    /// <summary>Stops in order: processes keep what they have mapped and their event channels, but nobody gets anything new.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        _loop.Commands.Post(_loop.Stop);
        await _thread.WhenEndedAsync();
        File.Delete(_options.SocketPath);
        _listener.Dispose();
        _loop.Dispose();
        _lock.Dispose();
    }
}

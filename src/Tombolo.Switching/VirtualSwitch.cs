// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Tombolo.Linux;

namespace Tombolo.Switching;

/// <summary>A virtual Ethernet switch, running: virtual machines attach to its ports' vhost-user sockets.</summary>
/// <remarks>
/// It has one control thread and <see cref="SwitchOptions.DataThreads"/> data threads, which sleep when nothing moves. It may be killed at any moment and started again on the
/// same paths: front ends that reconnect go on where they were. Thread-safe.
/// </remarks>
public sealed class VirtualSwitch : IAsyncDisposable
{
    private readonly SwitchLoop _loop;
    private readonly ILogger _log;
    private readonly Thread _control;
    private readonly Thread[] _data;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isDisposed;

    private VirtualSwitch(SwitchOptions options, ILogger log, TimeProvider time)
    {
        _log = log;
        _loop = new(options, log, time);
        _control = new(() => Run(_loop.Run)) { Name = options.Name, IsBackground = true };
        _data = [.. _loop.Threads.Select((thread, i) => new Thread(() => Run(thread.Run)) { Name = $"{options.Name}-data{i}", IsBackground = true })];
    }

    /// <summary>Ends when the switch does; fails where a fault of ours ended it.</summary>
    public Task Completion => _ended.Task;

    /// <summary>Who moves frames. For tests that look at who did what.</summary>
    internal IReadOnlyList<DataThread> Threads => _loop.Threads;

    /// <summary>Starts a switch.</summary>
    /// <param name="options">Its settings.</param>
    /// <param name="log">Where it says what it does; or null.</param>
    /// <param name="time">Its clock; null for the system's.</param>
    /// <returns>The running switch: front ends can connect.</returns>
    /// <exception cref="ArgumentException">The settings have problems; the message names them all.</exception>
    /// <exception cref="SwitchException">Somebody alive serves one of the sockets.</exception>
    /// <exception cref="LinuxException">The kernel refused. Nothing is left behind.</exception>
    public static VirtualSwitch Start(SwitchOptions options, ILogger? log = null, TimeProvider? time = null)
    {
        string[] problems = [.. options.Problems()];
        if (problems.Length > 0) throw new ArgumentException(string.Join(' ', problems), nameof(options));
        var started = new VirtualSwitch(options, log ?? NullLogger.Instance, time ?? TimeProvider.System);
        started._control.Start();
        foreach (Thread thread in started._data) thread.Start();
        return started;
    }

    /// <summary>Adds a port; the others do not notice.</summary>
    /// <param name="options">Its settings.</param>
    /// <param name="topologies">All topologies from then on, this port in them: what an uplink gives at once finds its way. Null: as they are.</param>
    /// <exception cref="SwitchException">It cannot be: the message says why.</exception>
    public Task AddPortAsync(PortOptions options, IReadOnlyList<TopologyOptions>? topologies = null) => DoAsync(() => _loop.AddPort(options, topologies));

    /// <summary>Removes a port, also from the topologies; the others do not notice.</summary>
    /// <param name="name">Its name.</param>
    /// <exception cref="SwitchException">There is no such port.</exception>
    public Task RemovePortAsync(string name) => DoAsync(() => _loop.RemovePort(name));

    /// <summary>Changes a port's addresses, checks, MTU or link while it runs.</summary>
    /// <param name="options">Its settings from now on, under the same name.</param>
    /// <exception cref="SwitchException">There is no such port, or what changes cannot change while it runs.</exception>
    public Task SetPortAsync(PortOptions options) => DoAsync(() => _loop.ChangePort(options));

    /// <summary>Changes who may talk to whom, from the next batch of frames on.</summary>
    /// <param name="topologies">All topologies; none: every port reaches every other.</param>
    /// <exception cref="SwitchException">They have problems; the message names them all.</exception>
    public Task SetTopologiesAsync(IReadOnlyList<TopologyOptions> topologies) => DoAsync(() => _loop.SetTopologies(topologies));

    /// <summary>Begins to capture a port's frames, both ways, as pcapng. The data threads are not slowed down by more than a copy: what is not written in time is dropped and counted.</summary>
    /// <param name="port">The port's name.</param>
    /// <param name="output">Where to: a file, a pipe into tshark. It stays the caller's, and is written until the capture is disposed.</param>
    /// <param name="options">How; null for all of every frame.</param>
    /// <exception cref="SwitchException">There is no such port, or it is captured already.</exception>
    public Task<PortCapture> CaptureAsync(string port, Stream output, CaptureOptions? options = null) => AskAsync(() => _loop.Capture(port, output, options ?? new(), capture =>
        _isDisposed ? Task.CompletedTask : DoAsync(() => _loop.EndCapture(capture))));

    /// <summary>Ends a port's capture, whoever began it. Captures also end with their port, and with the switch.</summary>
    /// <param name="port">The port's name.</param>
    /// <returns>The capture, once all of it is written, or its output has failed.</returns>
    /// <exception cref="SwitchException">There is no such port, or it is not captured.</exception>
    public async Task<PortCapture> EndCaptureAsync(string port)
    {
        PortCapture capture = await AskAsync(() => _loop.EndCapture(port));
        await capture.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return capture;
    }

    /// <summary>The state now.</summary>
    public Task<SwitchSnapshot> SnapshotAsync() => AskAsync(_loop.Snapshot);

    /// <summary>Stops in order. Guests see their link go down; what was under way on emulated links is lost.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        foreach (DataThread thread in _loop.Threads) thread.Post(static data => data.Stop());
        _loop.Commands.Post(_loop.Stop);
        foreach (Thread thread in _data.Append(_control)) thread.Join();
        _loop.Dispose();
        _ = _ended.TrySetResult();
        await _ended.Task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private Task<bool> DoAsync(Action action) => AskAsync(() =>
    {
        action();
        return true;
    });

    private Task<T> AskAsync<T>(Func<T> ask)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return _loop.Commands.AskAsync(ask, _ended.Task, "switch");
    }

    private void Run(Action loop)
    {
        try { loop(); }
        catch (Exception exception)
        {
            Log.LoopFault(_log, exception.ToString());
            _ = _ended.TrySetException(exception);
        }
    }
}

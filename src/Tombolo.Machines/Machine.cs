// SPDX-License-Identifier: MIT
using System.Threading.Channels;
using Tombolo.Linux;

namespace Tombolo.Machines;

/// <summary>One machine: starts its QEMU, watches it, starts it again, ends it.</summary>
/// <remarks>
/// Theory of operation. One supervision task owns everything that changes; others read <see cref="Status"/> and ask for a stop.
/// <code>
/// Stopped ── start ─→ Starting ── mark on the console ─→ Ready
///    ↑                   ↑  └───────── QEMU ends ──────────┤
///    │                 pause                               ↓
///    └── Stopping ←── stop ──── Waiting ←── policy ── (Ended | Failed)
/// </code>
/// QEMU is in a session of its own and owns console, log and control socket, so it goes on when we die; <see cref="MachineRecord"/> lets the next owner
/// adopt it. A process is only ever watched or signalled through a pidfd whose start time was compared, so a number that changed hands is never touched.
/// </remarks>
public sealed partial class Machine : IAsyncDisposable
{
    private const int EventsKept = 1024;

    private readonly MachineHost _host;
    private readonly Channel<MachineEvent> _events = Channel.CreateBounded<MachineEvent>(new BoundedChannelOptions(EventsKept) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _abandon = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();   // guards _status and _process
    private MachineStatus _status;
    private ProcessIdentity? _process;
    private Task? _supervision;

    /// <summary>Describes a machine; nothing is started.</summary>
    /// <param name="options">What it is; without problems.</param>
    /// <param name="folder">Its files.</param>
    /// <param name="host">What it shares with others.</param>
    /// <exception cref="ArgumentException">The options have problems; the message lists them.</exception>
    public Machine(MachineOptions options, MachineFolder folder, MachineHost host)
    {
        string problems = string.Join(" ", options.Problems());
        if (problems.Length > 0) throw new ArgumentException(problems, nameof(options));
        (Options, Folder, _host) = (options, folder, host);
        _status = new(options.Name, MachineState.Stopped, null, null, null, options.Acceleration, 0, Adopted: false, null, null);
    }

    /// <summary>What it is.</summary>
    public MachineOptions Options { get; }

    /// <summary>Its files.</summary>
    public MachineFolder Folder { get; }

    /// <summary>What happens to it; ends when supervision ends. The oldest of more than 1024 unread ones are dropped.</summary>
    public ChannelReader<MachineEvent> Events => _events.Reader;

    /// <summary>How it is now.</summary>
    public MachineStatus Status { get { lock (_lock) return _status; } }

    /// <summary>Completes when it is ready for the first time; fails with <see cref="MachineException"/> when it ends for good before that.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Completes when nothing is supervised any more: stopped, or ended for good.</summary>
    public Task Completion => _supervision ?? Task.CompletedTask;

    /// <summary>Starts it, or adopts the running one that an earlier owner left. Returns once QEMU runs; wait for <see cref="Ready"/> to know that the guest does.</summary>
    /// <exception cref="MachineException">It cannot be started.</exception>
    /// <exception cref="InvalidOperationException">It was started before: a machine object lives once.</exception>
    public void Start()
    {
        if (_supervision is not null) throw new InvalidOperationException($"Machine {Options.Name} was started before.");
        _ = Directory.CreateDirectory(Folder.Path);
        Incarnation first = TryAdopt() ?? Launch(restarts: 0);
        _supervision = SuperviseAsync(first);
    }

    /// <summary>The process of a machine that an earlier owner left running, whatever its options were.</summary>
    /// <param name="folder">Its files.</param>
    /// <returns>Null where none runs.</returns>
    public static ProcessIdentity? FindRunning(MachineFolder folder) =>
        MachineRecord.TryLoad(folder.RecordFile)?.Process is { IsAlive: true } recorded ? recorded : ProcessIdentity.FromPidFile(folder.PidFile);

    /// <summary>Lets go of it without ending it: QEMU goes on, and the next owner adopts it.</summary>
    public async ValueTask DisposeAsync()
    {
        await _abandon.CancelAsync();
        await Completion;
    }

    private async Task SuperviseAsync(Incarnation current)
    {
        TimeSpan pause = Options.RestartDelay;
        while (true)
        {
            ExitVerdict? verdict = await LiveAsync(current);
            if (verdict is null) break;   // stopped as told, or let go of
            bool again = Options.Restart == RestartPolicy.Always || (Options.Restart == RestartPolicy.OnFailure && verdict.IsFailure);
            string reason = $"Machine {Options.Name}: {verdict.Reason}.";
            Update(status => status with { State = verdict.IsFailure ? MachineState.Failed : MachineState.Ended, ProcessId = null, StartedAt = null, ExitReason = reason });
            Say(MachineEventKind.Ended, reason);
            if (!again) break;
            if (_host.Time.GetUtcNow() - current.StartedAt > Options.RestartDelayMost) pause = Options.RestartDelay;
            if (await RestartAsync(current.Restarts, pause) is not { } next) break;
            pause = TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, Options.RestartDelayMost.Ticks));
            current = next;
        }
        if (!_abandon.IsCancellationRequested) Folder.Tidy();
        _ = _ready.TrySetException(new MachineException(Status.ExitReason ?? $"Machine {Options.Name} was stopped before it was ready."));
        _ = _ready.Task.Exception;   // seen: whoever does not wait for it must not be troubled by it
        _events.Writer.Complete();
    }

    // Waits, then launches; a launch that fails counts as a failed start and is tried again after a longer pause.
    private async Task<Incarnation?> RestartAsync(int restarts, TimeSpan pause)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, _abandon.Token);
        while (true)
        {
            Update(status => status with { State = MachineState.Waiting });
            Say(MachineEventKind.Restarting, $"Machine {Options.Name} is started again in {pause.TotalSeconds:0.#} s (restart {restarts + 1}).");
            try { await Task.Delay(pause, _host.Time, ending.Token); }
            catch (OperationCanceledException)
            {
                Update(status => status with { State = MachineState.Stopped });
                if (_stop.IsCancellationRequested) Say(MachineEventKind.Stopped, $"Machine {Options.Name} is stopped.");
                return null;
            }
            try { return Launch(++restarts); }
            catch (TomboloException exception)
            {
                Update(status => status with { State = MachineState.Failed, ExitReason = exception.Message });
                Say(MachineEventKind.Failed, exception.Message);
                pause = TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, Options.RestartDelayMost.Ticks));
            }
        }
    }

    private void Update(Func<MachineStatus, MachineStatus> change) { lock (_lock) _status = change(_status); }

    private void Say(MachineEventKind kind, string sentence)
    {
        var happened = new MachineEvent(kind, Options.Name, sentence);
        _host.Happened?.Invoke(happened);
        _ = _events.Writer.TryWrite(happened);
    }
}

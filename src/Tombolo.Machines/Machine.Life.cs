// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Machines;

public sealed partial class Machine
{
    private static readonly TimeSpan _qmpRetry = TimeSpan.FromMilliseconds(50);   // QEMU makes its control socket some ms after its start

    /// <summary>Follows one life to its end.</summary>
    /// <returns>Why it ended by itself; null where it was stopped as told, or let go of.</returns>
    private async Task<ExitVerdict?> LiveAsync(Incarnation life)
    {
        using SafeFd signals = life.Signals;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_abandon.Token);
        var shutdown = new ShutdownCause();
        Task<QmpClient?> qmp = ConnectQmpAsync(life, over.Token);
        Task events = FollowQmpAsync(qmp, shutdown);
        Task console = FollowConsoleAsync(life, over.Token);
        Task told = WhenAsync(_stop.Token), letGo = WhenAsync(_abandon.Token);
        if (Options.ReadyMarker is null) BecomeReady(life);

        _ = await Task.WhenAny(life.Ended, told, letGo);
        bool isLetGo = !life.Ended.IsCompleted && letGo.IsCompleted, isTold = !life.Ended.IsCompleted && !isLetGo;
        if (isTold) await EndAsync(life, qmp);
        if (life.Ended.IsCompleted) await events.WaitAsync(TimeSpan.FromSeconds(5), _host.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);   // its last words are in the socket; they end with it
        await over.CancelAsync();
        await console.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (await qmp is { } client) await client.DisposeAsync();
        if (isLetGo) return null;

        ProcessExit? exit = await life.Ended;
        lock (_lock) _process = null;
        if (!isTold) return ExitVerdict.Of(shutdown.Event, exit, ConsoleLog.LastLine(Folder.QemuLog));
        Update(status => status with { State = MachineState.Stopped, ProcessId = null, StartedAt = null });
        Say(MachineEventKind.Stopped, $"Machine {Options.Name} is stopped.");
        return null;
    }

    private void BecomeReady(Incarnation life)
    {
        TimeSpan took = _host.Time.GetUtcNow() - life.StartedAt;
        bool isAdopted = Status.Adopted;
        Update(status => status.State == MachineState.Starting ? status with { State = MachineState.Ready, ReadyAfter = isAdopted ? null : took } : status);
        Say(MachineEventKind.Ready, isAdopted ? $"Machine {Options.Name} is ready." : $"Machine {Options.Name} is ready after {took.TotalSeconds:0.0} s.");
        _ = _ready.TrySetResult();
    }

    private async Task FollowConsoleAsync(Incarnation life, CancellationToken over)
    {
        bool isReady = Options.ReadyMarker is null;
        await foreach ((string line, bool isComplete) in ConsoleLog.FollowAsync(Folder.ConsoleLog, life.ConsoleOffset, over))
        {
            if (!isReady && line.Contains(Options.ReadyMarker!, StringComparison.Ordinal))
            {
                isReady = true;
                BecomeReady(life);
            }
            if (!isComplete) continue;
            if (!isReady && ConsoleLog.After(line, ConsoleMark.Failed) is { } problem)
            {
                string sentence = $"Machine {Options.Name}: the guest cannot come up: {problem}.";
                Update(current => current with { ExitReason = sentence });
                Say(MachineEventKind.Failed, sentence);
                _ = _ready.TrySetException(new MachineException(sentence));
                return;
            }
            if (ConsoleLog.ExitStatus(line) is { } status)
            {
                Update(current => current with { ScriptStatus = status });
                Say(MachineEventKind.ScriptEnded, $"Machine {Options.Name}: its run script ended with status {status}.");
            }
            if (isReady && (Options.Run.Count == 0 || Status.ScriptStatus is not null)) return;   // nothing more to look for
        }
    }

    private async Task<QmpClient?> ConnectQmpAsync(Incarnation life, CancellationToken over)
    {
        while (!life.Ended.IsCompleted && !over.IsCancellationRequested)
        {
            try { return await QmpClient.ConnectAsync(Folder.QmpSocket, over); }
            catch (OperationCanceledException) { break; }
            catch (MachineException) { }   // not there yet, or just gone
            await Task.WhenAny(Task.Delay(_qmpRetry, _host.Time, over), life.Ended);
        }
        return null;
    }

    private static async Task FollowQmpAsync(Task<QmpClient?> connecting, ShutdownCause cause)
    {
        if (await connecting is not { } qmp) return;
        await foreach (QmpEvent report in qmp.Events.ReadAllAsync())
            if (report.Name == "SHUTDOWN") cause.Event = report;
    }

    private static Task WhenAsync(CancellationToken token)
    {
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = token.Register(source.SetResult);
        return source.Task;
    }

    private sealed class ShutdownCause
    {
        public volatile QmpEvent? Event;
    }
}

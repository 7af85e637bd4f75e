// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Machines;

public sealed partial class Machine
{
    /// <summary>Stops it, in growing earnest: the power button, QEMU's own quit, SIGTERM, SIGKILL. Returns when the process is gone and its files are removed (the logs stay).</summary>
    /// <remarks>Stopping what does not run is no error.</remarks>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Completion;
    }

    /// <summary>Kills QEMU as a crash would; what happens then is up to the restart policy.</summary>
    /// <returns>False where it does not run.</returns>
    public bool Kill()
    {
        ProcessIdentity? process;
        lock (_lock) process = _process;
        using SafeFd? fd = process?.TryOpen();
        return fd is not null && LinuxProcess.TrySignal(fd, Signal.Kill);
    }

    /// <summary>Ends the machine that an earlier owner left in a folder, if it runs, with SIGTERM and then SIGKILL, and removes its files but the logs.</summary>
    /// <param name="folder">Its files.</param>
    /// <param name="host">Its watcher, clock and grace.</param>
    /// <returns>The process id that was ended, or null where none ran.</returns>
    public static async Task<int?> EndLeftoverAsync(MachineFolder folder, MachineHost host)
    {
        int? ended = null;
        if (FindRunning(folder) is { } identity && identity.TryOpen() is { } process)
        {
            using SafeFd signals = process;
            Task<ProcessExit?> end = host.Watcher.WatchAsync(process.Duplicate());
            await SignalAsync(signals, end, host);
            ended = identity.ProcessId;
        }
        folder.Tidy();
        return ended;
    }

    private async Task EndAsync(Incarnation life, Task<QmpClient?> connecting)
    {
        bool wasReady = Status.State == MachineState.Ready;
        Update(status => status with { State = MachineState.Stopping });
        QmpClient? qmp = connecting.IsCompletedSuccessfully ? await connecting : null;
        if (qmp is not null && wasReady && Options.ShutdownGrace > TimeSpan.Zero)   // a guest that is not up yet hears no power button
        {
            Say(MachineEventKind.Stopping, $"Machine {Options.Name} is asked to shut down.");
            if (await TryTellAsync(qmp, "system_powerdown") && await EndsWithinAsync(life.Ended, Options.ShutdownGrace, _host.Time)) return;
        }
        if (qmp is not null && await TryTellAsync(qmp, "quit") && await EndsWithinAsync(life.Ended, _host.EndGrace, _host.Time)) return;
        Say(MachineEventKind.Stopping, $"Machine {Options.Name} is ended by a signal.");
        await SignalAsync(life.Signals, life.Ended, _host);
    }

    private async Task<bool> TryTellAsync(QmpClient qmp, string command)
    {
        try
        {
            _ = await qmp.ExecuteAsync(command, CancellationToken.None).WaitAsync(_host.EndGrace, _host.Time);
            return true;
        }
        catch (MachineException) { return true; }   // it went while it was told: that is what was wanted
        catch (TimeoutException) { return false; }   // it hears nothing: a stopped or spinning QEMU
    }

    private static async Task SignalAsync(SafeFd signals, Task<ProcessExit?> ended, MachineHost host)
    {
        if (LinuxProcess.TrySignal(signals, Signal.Terminate) && await EndsWithinAsync(ended, host.EndGrace, host.Time)) return;
        _ = LinuxProcess.TrySignal(signals, Signal.Kill);
        _ = await ended;   // nothing survives it
    }

    private static async Task<bool> EndsWithinAsync(Task<ProcessExit?> ended, TimeSpan grace, TimeProvider time)
    {
        try
        {
            _ = await ended.WaitAsync(grace, time);
            return true;
        }
        catch (TimeoutException) { return false; }
    }
}

// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Machines;

public sealed partial class Machine
{
    /// <summary>One life of the machine, from QEMU's start to its end.</summary>
    private sealed record Incarnation(ProcessIdentity Identity, Task<ProcessExit?> Ended, SafeFd Signals, DateTimeOffset StartedAt, long ConsoleOffset, int Restarts);

    private Incarnation? TryAdopt()
    {
        if (FindRunning(Folder) is not { } identity || identity.TryOpen() is not { } process) return null;
        MachineRecord? record = MachineRecord.TryLoad(Folder.RecordFile) is { } known && known.Process == identity ? known : null;
        bool isAsDeclared = record is null || record.Digest == DigestFor(record.Acceleration);
        var adopted = new Incarnation(identity, _host.Watcher.WatchAsync(process.Duplicate()), process,
            record?.StartedAt ?? _host.Time.GetUtcNow(), record?.ConsoleOffset ?? 0, record?.Restarts ?? 0);
        Enter(adopted, record?.Acceleration ?? Options.Acceleration, isAdopted: true);
        lock (_host.SpawnLock) _host.Started?.Invoke(Options, identity.ProcessId);
        Say(MachineEventKind.Adopted, $"Machine {Options.Name} was found running (pid {identity.ProcessId}){(isAsDeclared ? "" : "; it runs with older settings, which a down and an up would renew")}.");
        return adopted;
    }

    private Incarnation Launch(int restarts)
    {
        Acceleration acceleration = _host.Accelerations(Options);
        IReadOnlyList<string> arguments = QemuCommand.Build(Options, Folder, acceleration);
        CheckFiles();
        File.Delete(Folder.ConsoleSocket);   // of a QEMU that was killed: nobody listens there, the adoption looked
        File.Delete(Folder.QmpSocket);
        if (Options.Run.Count > 0) File.WriteAllText(Folder.RunScript, string.Join('\n', Options.Run) + "\n");
        File.WriteAllText(Folder.QemuLog, "");
        long consoleOffset = ConsoleLog.LengthOf(Folder.ConsoleLog);
        DateTimeOffset now = _host.Time.GetUtcNow();
        SafeFd process;
        ProcessIdentity identity;
        lock (_host.SpawnLock)
        {
            int processId = LinuxProcess.StartInOwnSession(_host.QemuPath, arguments, Folder.QemuLog);
            process = LinuxProcess.TryOpen(processId)   // our child, so it exists until we reap it, unless this program was started with SIGCHLD ignored
                ?? throw new MachineException($"Machine {Options.Name}: QEMU ended before it could be watched; see {Folder.QemuLog}.");
            identity = ProcessIdentity.Of(processId) ?? new(processId, 0, ProcessIdentity.CurrentBoot);   // 0: it ended already, and matches nothing
            _host.Started?.Invoke(Options, processId);
        }
        try
        {
            new MachineRecord(identity, MachineRecord.DigestOf(arguments, Options.Run), acceleration, now, consoleOffset, restarts).Save(Folder.RecordFile);
        }
        catch
        {
            _ = LinuxProcess.TrySignal(process, Signal.Kill);   // a machine that nobody could find again must not run
            process.Dispose();
            throw;
        }
        var launched = new Incarnation(identity, _host.Watcher.WatchAsync(process.Duplicate()), process, now, consoleOffset, restarts);
        Enter(launched, acceleration, isAdopted: false);
        Say(MachineEventKind.Started, $"Machine {Options.Name} runs (pid {identity.ProcessId}, {(acceleration == Acceleration.Kvm ? "kvm" : "tcg")}, {Options.MemoryBytes >> 20} MiB).");
        return launched;
    }

    private void Enter(Incarnation incarnation, Acceleration acceleration, bool isAdopted)
    {
        lock (_lock)
        {
            _process = incarnation.Identity;
            _status = _status with
            {
                State = MachineState.Starting,
                ProcessId = incarnation.Identity.ProcessId,
                StartedAt = incarnation.StartedAt,
                ReadyAfter = null,
                Acceleration = acceleration,
                Restarts = incarnation.Restarts,
                Adopted = isAdopted,
                ScriptStatus = null,
            };
        }
    }

    private string DigestFor(Acceleration acceleration) =>
        MachineRecord.DigestOf(QemuCommand.Build(Options, Folder, acceleration == Acceleration.Auto ? Acceleration.Tcg : acceleration), Options.Run);

    // QEMU's own messages for these are far from the cause; ours name the fix.
    private void CheckFiles()
    {
        foreach (string? path in new[] { Options.KernelPath, Options.InitrdPath }.Concat(Options.Disks.Select(disk => disk.Path)))
            if (path is not null && !File.Exists(path)) throw new MachineException($"Machine {Options.Name} needs {path}, which does not exist.");
        int length = System.Text.Encoding.UTF8.GetByteCount(Folder.LongestSocket);
        if (length > UnixSocket.MaxPathBytes)
            throw new MachineException($"Machine {Options.Name} would have its console at {Folder.LongestSocket}, {length} bytes; a socket's path has at most {UnixSocket.MaxPathBytes}, so choose a shorter runtime folder or name.");
    }
}

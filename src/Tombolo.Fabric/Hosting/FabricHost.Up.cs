// SPDX-License-Identifier: MIT
using Tombolo.Grants;
using Tombolo.Ivshmem;
using Tombolo.Linux;
using Tombolo.Machines;
using Tombolo.Mailbox;
using Tombolo.Regions;

namespace Tombolo.Fabric;

public sealed partial class FabricHost
{
    /// <summary>Brings everything up. Returns when each machine is ready, late or failed.</summary>
    /// <param name="cancel">Gives up waiting; what was started stays, until <see cref="StopAsync"/>.</param>
    /// <returns>What is not as declared, a sentence each; empty where all is up.</returns>
    /// <exception cref="FabricException">A mailbox or regions cannot be served, or QEMU is missing. What was started stays, until <see cref="StopAsync"/>.</exception>
    public async Task<IReadOnlyList<string>> StartAsync(CancellationToken cancel)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancel, _stopping.Token);
        await EndUndeclaredAsync();
        foreach ((string name, int processId) in FabricState.RunningMachines(Paths)) _machineOfProcess[processId] = name;   // members that mailboxes keep are known by name from the start
        foreach (MailboxDeclaration mailbox in Declaration.Mailboxes) await StartMailboxAsync(mailbox);
        if (Declaration.Store is { } store) await StartStoreAsync(store);
        if (Declaration.Grants is { } grants) await StartGrantsAsync(grants);
        foreach (RegionsDeclaration window in Declaration.Regions) await StartRegionsAsync(window);
        foreach (SwitchDeclaration one in Declaration.Switches) await StartSwitchAsync(one);
        if (Declaration.Machines.Count > 0) await PrepareMachinesAsync(ending.Token);
        Dictionary<string, Task<string?>> starts = [];
        foreach (MachineDeclaration machine in InOrder())
            starts[machine.Name] = StartMachineAsync(machine, [.. machine.After.Select(name => starts[name])], ending.Token);
        string?[] problems = await Task.WhenAll(starts.Values);
        string[] real = [.. problems.OfType<string>()];
        Say(FabricEventKind.FabricUp, Declaration.Name, real.Length == 0 ? $"Fabric {Declaration.Name} is up." : $"Fabric {Declaration.Name} is up, but {real.Length} of its {starts.Count} machines {(real.Length == 1 ? "is" : "are")} not.");
        return real;
    }

    /// <summary>How everything is now.</summary>
    public async Task<FabricStatus> SnapshotAsync()
    {
        List<MailboxStatus> mailboxes = [];
        foreach (MailboxDeclaration mailbox in Declaration.Mailboxes) mailboxes.Add(await DescribeAsync(mailbox));
        List<RegionsStatus> regions = [];
        foreach (RegionsDeclaration window in Declaration.Regions) regions.Add(await DescribeAsync(window));
        List<SwitchStatus> switches = [];
        foreach (SwitchDeclaration one in Declaration.Switches) switches.Add(await DescribeAsync(one));
        return new(Declaration.Name, Environment.ProcessId, Paths.Folder, mailboxes, [.. Declaration.Machines.Select(machine => FabricState.Row(Declaration, Paths, machine, StatusOf(machine)))])
        { Regions = regions, Switches = switches, Store = Declaration.Store is { } store ? await DescribeAsync(store) : null, Grants = Declaration.Grants is { } grants ? await DescribeAsync(grants) : null };
    }

    private MachineStatus StatusOf(MachineDeclaration machine) => _machines.TryGetValue(machine.Name, out Machine? running) ? running.Status
        : new(machine.Name, MachineState.Stopped, null, null, null, machine.Acceleration, 0, Adopted: false, null, null);

    // Declared order, but everybody after those it waits for; the declaration has no circles.
    private List<MachineDeclaration> InOrder()
    {
        List<MachineDeclaration> ordered = [], left = [.. Declaration.Machines];
        while (left.Count > 0)
        {
            MachineDeclaration next = left.First(machine => machine.After.All(name => ordered.Any(one => one.Name == name)));
            ordered.Add(next);
            _ = left.Remove(next);
        }
        return ordered;
    }

    private async Task EndUndeclaredAsync()
    {
        foreach ((string name, int processId) in FabricState.RunningMachines(Paths).Where(found => Declaration.Machines.All(machine => machine.Name != found.Name)))
        {
            _ = await Machines.Machine.EndLeftoverAsync(Paths.Machine(name), WatchOnly());
            Say(FabricEventKind.MachineStopped, name, $"Machine {name} (pid {processId}) ran from an earlier declaration and is ended.");
        }
    }

    private async Task StartMailboxAsync(MailboxDeclaration mailbox)
    {
        string socket = Paths.SocketOf(mailbox);
        try
        {
            MailboxFabric fabric = await MailboxFabric.StartAsync(Translation.ToMailbox(Declaration, mailbox, Paths, _options, MachineOf), _options.Log);
            bool isTooLate;
            lock (_gate) if (!(isTooLate = _isStopped)) _mailboxes[mailbox.Name] = fabric;
            if (isTooLate)
            {
                await fabric.DisposeAsync();
                throw new FabricException($"Fabric {Declaration.Name} was taken down while it came up.");
            }
            Say(FabricEventKind.MailboxUp, mailbox.Name, fabric.Server.TookOver
                ? $"Mailbox {mailbox.Name} serves again at {socket}; its participants kept their places."
                : $"Mailbox {mailbox.Name} serves at {socket} ({mailbox.Clients} places, slots of {mailbox.SlotBytes} bytes).");
            _watches.Add(WatchMailboxAsync(mailbox.Name, fabric));
        }
        catch (Exception exception) when (exception is TomboloException or ArgumentException)
        {
            throw new FabricException($"Mailbox {mailbox.Name} cannot be served: {exception.Message}", exception);
        }
    }

    private async Task WatchMailboxAsync(string name, MailboxFabric fabric)
    {
        await fabric.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ = _mailboxes.TryRemove(name, out _);
        if (fabric.Completion.Exception is { } fault) Say(FabricEventKind.MailboxFailed, name, $"Mailbox {name} no longer serves. It broke: {fault.InnerException?.Message}");
        else Say(FabricEventKind.MailboxDown, name, $"Mailbox {name} no longer serves.");
    }

    // Asked on a doorbell server's loop when somebody connects; the lock makes sure that a QEMU is known before its first question can be.
    private string? MachineOf(int processId)
    {
        if (_machineHost is null) return null;
        lock (_machineHost.SpawnLock) return _machineOfProcess.GetValueOrDefault(processId);
    }

    private MachineHost WatchOnly() => new("", _ => Acceleration.Tcg, _watcher, _options.Time);

    private async Task PrepareMachinesAsync(CancellationToken cancel)
    {
        string qemu;
        try
        {
            qemu = _options.QemuPath ?? (await QemuProgram.FindAsync(null, cancel)) switch
            {
                { HasDoorbell: false } found when Declaration.Mailboxes.Count + Declaration.Regions.Count + (Declaration.Grants?.Windows.Count ?? 0) > 0 => throw new FabricException($"{found.Path} has no device model ivshmem-doorbell; '{QemuProgram.InstallCommand}' installs one that has."),
                var found => found.Path,
            };
        }
        catch (MachineException exception) { throw new FabricException(exception.Message, exception); }
        if (Declaration.Machines.Any(machine => machine.Acceleration == Acceleration.Auto))
        {
            string? kernel = Declaration.Machines.Select(machine => machine.Kernel).OfType<string>().FirstOrDefault() ?? GuestImage.Find()?.KernelPath;
            _acceleration = new AccelProbe(qemu, Path.Combine(Paths.Root, ".host"), _watcher, _options.Time).ChooseAsync(kernel, cancel);
            Say(FabricEventKind.Note, Declaration.Name, (await _acceleration).Reason);
        }
        _machineHost = new(qemu, Choose, _watcher, _options.Time) { Started = (machine, processId) => _machineOfProcess[processId] = machine.Name, Happened = Tell };
    }

    private Acceleration Choose(MachineOptions machine) => machine.Acceleration switch
    {
        Acceleration.Auto => _acceleration!.Result.Acceleration,   // complete: awaited before any machine is made
        Acceleration.Kvm when Kvm.WhyNot() is { } reason => throw new MachineException($"Machine {machine.Name} insists on KVM, but {reason}."),
        var asked => asked,
    };

    /// <returns>What is not as declared, or null.</returns>
    private async Task<string?> StartMachineAsync(MachineDeclaration declared, Task<string?>[] after, CancellationToken cancel)
    {
        string name = declared.Name;
        try
        {
            string?[] before = await Task.WhenAll(after).WaitAsync(cancel);
            int failed = Array.FindIndex(before, problem => problem is not null);
            if (failed >= 0) return Fail(name, $"Machine {name} is not started, because machine {declared.After[failed]} is not ready.");
            MachineOptions options = Translation.ToMachine(Declaration, declared, Paths);
            await EndDetachedAsync(options);
            var machine = new Machine(options, Paths.Machine(name), _machineHost!);
            lock (_gate)
            {
                if (_isStopped) return $"Machine {name} was not started any more.";
                machine.Start();
                _machines[name] = machine;
            }
            return await WaitReadyAsync(machine, cancel);
        }
        catch (OperationCanceledException) { return $"Machine {name} was not waited for."; }
        catch (Exception exception) when (exception is TomboloException or ArgumentException or IOException or UnauthorizedAccessException) { return Fail(name, exception.Message); }
    }

    private string Fail(string name, string sentence)
    {
        Say(FabricEventKind.MachineFailed, name, sentence);
        return sentence;
    }

    private async Task<string?> WaitReadyAsync(Machine machine, CancellationToken cancel)
    {
        long since = _options.Time.GetTimestamp();
        try
        {
            await machine.Ready.WaitAsync(machine.Options.ReadyTimeout, _options.Time, cancel);
            return await WaitForDriversAsync(machine, since, cancel);
        }
        catch (TimeoutException)
        {
            string sentence = $"Machine {machine.Options.Name} is not ready after {machine.Options.ReadyTimeout.TotalSeconds:0.#} s; it is left running, and its console is in {machine.Folder.ConsoleLog}.";
            Say(FabricEventKind.MachineLate, machine.Options.Name, sentence);
            return sentence;
        }
        catch (MachineException exception) { return exception.Message; }
    }

    // A machine that outlived both its mailbox's server and the keeper runs on, but nobody can reach it: QEMU never connects a second time.
    private async Task EndDetachedAsync(MachineOptions options)
    {
        if (Machines.Machine.FindRunning(Paths.Machine(options.Name)) is not { } running) return;
        foreach (MachineAttachment attachment in options.Attachments)
        {
            bool isThere = _mailboxes.TryGetValue(attachment.Name, out MailboxFabric? mailbox) ? (await mailbox.SnapshotAsync()).Peers.Any(peer => peer.ProcessId == running.ProcessId)
                : _windows.TryGetValue(attachment.Name, out WindowHost? pages) ? (await pages.Server.SnapshotAsync()).Peers.Any(peer => peer.Who.ProcessId == running.ProcessId)
                : !_regions.TryGetValue(attachment.Name, out RegionServer? window) || (await window.SnapshotAsync()).Machine?.Who.ProcessId == running.ProcessId;
            if (isThere) continue;
            _ = await Machines.Machine.EndLeftoverAsync(Paths.Machine(options.Name), _machineHost!);
            Say(FabricEventKind.MachineStopped, options.Name, $"Machine {options.Name} (pid {running.ProcessId}) had lost {attachment.Name} for good and is started anew.");
            return;
        }
    }

    private void Tell(MachineEvent happened) => Say(happened.Kind switch
    {
        MachineEventKind.Started => FabricEventKind.MachineStarted,
        MachineEventKind.Adopted => FabricEventKind.MachineAdopted,
        MachineEventKind.Ready => FabricEventKind.MachineReady,
        MachineEventKind.ScriptEnded => FabricEventKind.MachineScriptEnded,
        MachineEventKind.Ended => FabricEventKind.MachineEnded,
        MachineEventKind.Restarting => FabricEventKind.MachineRestarting,
        MachineEventKind.Stopping => FabricEventKind.MachineStopping,
        MachineEventKind.Stopped => FabricEventKind.MachineStopped,
        _ => FabricEventKind.MachineFailed,
    }, happened.Machine, happened.Sentence);

    private async Task<MailboxStatus> DescribeAsync(MailboxDeclaration mailbox)
    {
        var status = new MailboxStatus { Name = mailbox.Name, Socket = Paths.SocketOf(mailbox), IsUp = false, Clients = mailbox.Clients, SlotBytes = mailbox.SlotBytes };
        if (!_mailboxes.TryGetValue(mailbox.Name, out MailboxFabric? fabric)) return status;
        MailboxSnapshot now;
        try { now = await fabric.SnapshotAsync(); }
        catch (ObjectDisposedException) { return status; }   // it went down in this moment
        DoorbellCounters counters = now.Doorbell.Counters;
        return status with
        {
            IsUp = true,
            ServerId = now.IsSilent ? null : now.Geometry.ServerId.Value,
            ServerClass = now.ClassText,
            ServerAddress = now.Address.IsAssigned ? now.Address.ToString() : null,
            TookOver = fabric.Server.TookOver,
            Members = [.. now.Peers.Select(peer => new MemberStatus(peer.Id.Value, peer.Name, _machineOfProcess.GetValueOrDefault(peer.ProcessId), peer.Address.IsAssigned ? peer.Address.ToString() : null, peer.Attributes, peer.ProcessId, peer.Received, peer.Sent, peer.Pending))],
            Joins = counters.Joins,
            Leaves = counters.Leaves,
            Refused = counters.RefusedFull + counters.RefusedUser,
            Sent = now.Counters.Sent,
            Received = now.Counters.Received,
        };
    }
}

// SPDX-License-Identifier: MIT
using Tombolo.Mailbox;
using Tombolo.Regions;

namespace Tombolo.Fabric;

public sealed partial class FabricHost
{
    /// <summary>Takes everything down: machines, then mailboxes, regions and switches, then files. Returns when no process and no file of the fabric is left but the lock.</summary>
    /// <remarks>May be called at any time, also while <see cref="StartAsync"/> runs, and more than once.</remarks>
    public async Task StopAsync()
    {
        lock (_gate)
        {
            if (_isStopped) return;
            _isStopped = true;   // from here on nothing is started
        }
        Say(FabricEventKind.FabricStopping, Declaration.Name, $"Fabric {Declaration.Name} is being taken down.");
        await _stopping.CancelAsync();
        await Task.WhenAll(_machines.Values.Select(machine => machine.StopAsync()));
        foreach (MailboxFabric mailbox in _mailboxes.Values) await mailbox.DisposeAsync();
        await StopGrantsAsync();
        if (Store is { } store) await store.DisposeAsync();
        if (Declaration.Store is { } declared && Paths.OwnJournalOf(declared) is { } journal) File.Delete(journal);
        foreach (RegionServer window in _regions.Values) await window.DisposeAsync();
        foreach (HostedSwitch one in _switches.Values) await one.DisposeAsync();
        await Task.WhenAll(_watches);
        if (Directory.Exists(Paths.Machines)) Directory.Delete(Paths.Machines, recursive: true);
        foreach (SwitchDeclaration one in Declaration.Switches) DeleteSwitchFiles(one);
        File.Delete(Paths.Declaration);
        File.Delete(Paths.Origin);
        Say(FabricEventKind.FabricDown, Declaration.Name, $"Fabric {Declaration.Name} is down.");
        _events.Writer.Complete();
    }

    // Also what an owner that was killed left. A socket elsewhere may be somebody else's by now.
    private void DeleteSwitchFiles(SwitchDeclaration declared)
    {
        foreach (SwitchPortDeclaration port in declared.Ports.Concat(HostedSwitch.Kept(declared, Paths)?.Ports ?? [])) HostedSwitch.DeleteSocket(port, Paths);
        File.Delete(Paths.SwitchChanges(declared.Name));
    }
}

// SPDX-License-Identifier: MIT
using System.Collections.Concurrent;
using Tombolo.Grants;
using Tombolo.Linux;

namespace Tombolo.Fabric;

public sealed partial class FabricHost
{
    private readonly ConcurrentDictionary<string, WindowHost> _windows = new(StringComparer.Ordinal);
    private readonly CopyDesk _desk = new();   // one for all windows: their domains may copy from each other

    /// <summary>A running window of grants, or null.</summary>
    /// <param name="name">Its name.</param>
    public WindowHost? Window(string name) => _windows.GetValueOrDefault(name);

    private async Task StartWindowAsync(GrantWindowDeclaration declared)
    {
        try
        {
            WindowHost window = WindowHost.Start(Translation.ToWindow(Declaration, declared, Paths, _options, MachineOf), Store, _desk, _options.Log);
            bool isTooLate;
            lock (_gate) if (!(isTooLate = _isStopped)) _windows[declared.Name] = window;
            if (isTooLate)
            {
                await window.DisposeAsync();
                throw new FabricException($"Fabric {Declaration.Name} was taken down while it came up.");
            }
            Say(FabricEventKind.GrantsUp, declared.Name, window.Server.TookOver
                ? $"Window {declared.Name} is looked after again; its domains kept their pages and their places."
                : $"Window {declared.Name} holds the pages of domains {declared.First} to {declared.Last}; machines and host programs join at {Paths.SocketOf(declared)}.");
            _watches.Add(WatchWindowAsync(declared.Name, window));
        }
        catch (Exception exception) when (exception is not FabricException && exception is TomboloException or ArgumentException)
        {
            throw new FabricException($"Window {declared.Name} cannot be served: {exception.Message}", exception);
        }
    }

    private async Task WatchWindowAsync(string name, WindowHost window)
    {
        await window.Server.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ = _windows.TryRemove(name, out _);
        string? fault = window.Server.Completion.Exception?.InnerException?.Message;
        Say(fault is null ? FabricEventKind.GrantsDown : FabricEventKind.GrantsFailed, name, $"Window {name} is no longer looked after.{(fault is null ? "" : $" It broke: {fault}")}");
    }

    // On the loop of the grants' server.
    private GrantSnapshot SnapshotWindows()
    {
        GrantSnapshot[] all = [.. _windows.Values.Select(window => window.Snapshot(NameOf))];
        return new([.. all.SelectMany(one => one.Domains)], [.. all.SelectMany(one => one.Grants)], [.. all.SelectMany(one => one.Ports)]);
    }

    private string NameOf(int processId) => _machineOfProcess.TryGetValue(processId, out string? machine) ? $"machine {machine}" : $"process {processId}";

    private GrantWindowStatus Describe(GrantWindowDeclaration declared)
    {
        GrantWindowStatus status = FabricState.Describe(declared, Paths);
        if (!_windows.TryGetValue(declared.Name, out WindowHost? window)) return status;
        GrantSnapshot now = window.Snapshot(NameOf);
        return status with
        {
            IsUp = true,
            TookOver = window.Server.TookOver,
            Members = [.. now.Domains.Select(domain => Member(window, domain.Value, now))],
        };
    }

    private GrantMemberStatus Member(WindowHost window, ushort domain, GrantSnapshot now)
    {
        int process = window.ProcessOf(new(domain));
        return new(domain, _machineOfProcess.GetValueOrDefault(process), process, now.Grants.Where(grant => grant.From.Value == domain).Sum(grant => grant.Pages), now.Ports.Count(port => port.Domain.Value == domain));
    }
}

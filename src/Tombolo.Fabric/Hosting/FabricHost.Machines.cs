// SPDX-License-Identifier: MIT
using Tombolo.Machines;

namespace Tombolo.Fabric;

public sealed partial class FabricHost
{
    private readonly SemaphoreSlim _oneAtATime = new(1);   // a machine's start must not meet its stop

    /// <summary>Stops one machine and leaves it stopped. One that does not run is no error.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancel">Gives up waiting for another request on a machine.</param>
    /// <exception cref="FabricException">No such machine is declared.</exception>
    public Task StopMachineAsync(string name, CancellationToken cancel) => AloneAsync(Declared(name), StopOneAsync, cancel);

    /// <summary>Starts one machine that does not run, and waits until it is ready.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancel">Gives up waiting; the machine stays as it is.</param>
    /// <exception cref="FabricException">No such machine is declared, it runs, or it does not become ready.</exception>
    public Task StartMachineAsync(string name, CancellationToken cancel) => AloneAsync(Declared(name), StartOneAsync, cancel);

    /// <summary>Stops one machine, if it runs, starts it again and waits until it is ready.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancel">Gives up waiting; the machine stays as it is.</param>
    /// <exception cref="FabricException">No such machine is declared, or it does not become ready.</exception>
    public Task RestartMachineAsync(string name, CancellationToken cancel) => AloneAsync(Declared(name), async (machine, stop) =>
    {
        await StopOneAsync(machine, stop);
        await StartOneAsync(machine, stop);
    }, cancel);

    private MachineDeclaration Declared(string name) => Declaration.Machines.FirstOrDefault(machine => machine.Name == name)
        ?? throw new FabricException($"Fabric {Declaration.Name} has no machine '{name}'; it has {string.Join(", ", Declaration.Machines.Select(machine => machine.Name).DefaultIfEmpty("none"))}.");

    private async Task AloneAsync(MachineDeclaration machine, Func<MachineDeclaration, CancellationToken, Task> act, CancellationToken cancel)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancel, _stopping.Token);
        await _oneAtATime.WaitAsync(ending.Token);
        try { await act(machine, ending.Token); }
        finally { _ = _oneAtATime.Release(); }
    }

    private async Task StopOneAsync(MachineDeclaration declared, CancellationToken cancel)
    {
        if (_machines.TryGetValue(declared.Name, out Machine? machine)) await machine.StopAsync().WaitAsync(cancel);
    }

    private async Task StartOneAsync(MachineDeclaration declared, CancellationToken cancel)
    {
        if (_machineHost is null) throw new FabricException($"Fabric {Declaration.Name} is still coming up; machine {declared.Name} is started by that.");
        if (_machines.TryGetValue(declared.Name, out Machine? old))
        {
            if (!old.Completion.IsCompleted) throw new FabricException($"Machine {declared.Name} runs already (pid {old.Status.ProcessId}).");
            await old.DisposeAsync();
        }
        if (await StartMachineAsync(declared, [], cancel) is { } problem) throw new FabricException(problem);
    }
}

// SPDX-License-Identifier: MIT
using System.Text.Json;
using Tombolo.Linux;
using Tombolo.Switching;

namespace Tombolo.Fabric;

/// <summary>A declared switch that runs, and can be changed while it does. Changes outlive a killed daemon: they are in the state folder.</summary>
/// <remarks>Thread-safe; one change at a time.</remarks>
public sealed class HostedSwitch : IAsyncDisposable
{
    private readonly FabricPaths _paths;
    private readonly SwitchDeclaration _declared;
    private readonly SwitchEdit _edit;
    private readonly SemaphoreSlim _one = new(1);
    private volatile SwitchDeclaration _now;

    private HostedSwitch(string fabric, SwitchDeclaration declared, SwitchDeclaration now, FabricPaths paths, VirtualSwitch running) =>
        (_paths, _declared, _edit, _now, Switch) = (paths, declared, new(fabric, declared), now, running);

    /// <summary>The switch itself.</summary>
    public VirtualSwitch Switch { get; }

    /// <summary>What it is now.</summary>
    public SwitchDeclaration Now => _now;

    /// <summary>Whether it differs from the file.</summary>
    public bool IsChanged => !ReferenceEquals(_now, _declared);

    /// <summary>Starts it: as it was when its owner was killed, or else as declared.</summary>
    /// <param name="fabric">The fabric's name.</param>
    /// <param name="declared">The switch as the file has it.</param>
    /// <param name="paths">The fabric's files.</param>
    /// <param name="host">How the fabric is run.</param>
    /// <exception cref="TomboloException">A socket cannot be served.</exception>
    public static HostedSwitch Start(string fabric, SwitchDeclaration declared, FabricPaths paths, FabricHostOptions host)
    {
        SwitchDeclaration now = Kept(declared, paths) ?? declared;
        return new(fabric, declared, now, paths, VirtualSwitch.Start(Translation.ToSwitch(now, paths), host.Log, host.Time));
    }

    /// <summary>Adds a port.</summary>
    /// <param name="addition">The port.</param>
    /// <returns>The port as it is.</returns>
    /// <exception cref="TomboloException">It cannot be: the message says why. Nothing has changed.</exception>
    public async Task<SwitchPortDeclaration> AddAsync(SwitchPortAddition addition) => (await ChangeAsync(now => _edit.Add(now, addition))).Ports.First(port => port.Name == addition.Name);

    /// <summary>Removes a port.</summary>
    /// <param name="port">Its name.</param>
    /// <exception cref="TomboloException">It cannot be: the message says why. Nothing has changed.</exception>
    public Task RemoveAsync(string port) => ChangeAsync(now => SwitchEdit.Remove(now, port));

    /// <summary>Changes a port's settings.</summary>
    /// <param name="port">Its name.</param>
    /// <param name="change">What changes.</param>
    /// <exception cref="TomboloException">It cannot be: the message says why. Nothing has changed.</exception>
    public Task SetAsync(string port, SwitchPortChange change) => ChangeAsync(now => SwitchEdit.Set(now, port, change));

    /// <summary>Changes whom a port reaches.</summary>
    /// <param name="port">Its name.</param>
    /// <param name="move">Where it goes.</param>
    /// <exception cref="TomboloException">It cannot be: the message says why. Nothing has changed.</exception>
    public Task MoveAsync(string port, SwitchMove move) => ChangeAsync(now => SwitchEdit.Move(now, port, move));

    /// <summary>Stops it. What was changed stays in the state folder.</summary>
    public ValueTask DisposeAsync() => Switch.DisposeAsync();

    private async Task<SwitchDeclaration> ChangeAsync(Func<SwitchDeclaration, SwitchDeclaration> edit)
    {
        await _one.WaitAsync();
        try
        {
            SwitchDeclaration old = _now, wanted = edit(old);
            string problems = string.Join(' ', Translation.ToSwitch(wanted, _paths).Problems());
            if (problems.Length > 0) throw new FabricException(problems);
            await ApplyAsync(old, wanted);
            _now = wanted;
            Keep(wanted);
            return wanted;
        }
        catch (ObjectDisposedException) { throw new FabricException($"Switch {_declared.Name} has ended."); }
        finally { _ = _one.Release(); }
    }

    // Each edit changes one port or the topologies, so a step that fails leaves what was.
    private async Task ApplyAsync(SwitchDeclaration old, SwitchDeclaration wanted)
    {
        Dictionary<string, SwitchPortDeclaration> before = old.Ports.ToDictionary(port => port.Name), after = wanted.Ports.ToDictionary(port => port.Name);
        TopologyOptions[] topologies = [.. wanted.Topologies.Select(Translation.ToTopology)];
        foreach (string gone in before.Keys.Except(after.Keys)) await Switch.RemovePortAsync(gone);
        foreach (SwitchPortDeclaration port in after.Values.Where(port => !before.ContainsKey(port.Name))) await Switch.AddPortAsync(Translation.ToPort(wanted, port, _paths), topologies);
        foreach (SwitchPortDeclaration port in after.Values.Where(port => before.TryGetValue(port.Name, out SwitchPortDeclaration? known) && known != port)) await Switch.SetPortAsync(Translation.ToPort(wanted, port, _paths));
        await Switch.SetTopologiesAsync(topologies);
    }

    private void Keep(SwitchDeclaration now)
    {
        string path = _paths.SwitchChanges(_declared.Name), fresh = path + ".new";
        File.WriteAllText(fresh, JsonSerializer.Serialize(new SwitchRecord(_declared, now), FabricJson.Default.SwitchRecord));
        File.Move(fresh, path, overwrite: true);
    }

    /// <summary>What the last owner changed it to; it counts only for the same declaration.</summary>
    internal static SwitchDeclaration? Kept(SwitchDeclaration declared, FabricPaths paths)
    {
        string path = paths.SwitchChanges(declared.Name);
        if (!File.Exists(path)) return null;
        try
        {
            SwitchRecord? record = JsonSerializer.Deserialize(File.ReadAllText(path), FabricJson.Default.SwitchRecord);
            if (record is not null && Json(record.Declared) == Json(declared)) return record.Now;
            foreach (SwitchPortDeclaration port in record?.Now.Ports ?? []) DeleteSocket(port, paths);   // nobody serves them: the fabric's lock is ours
        }
        catch (JsonException) { }   // its writer died before it could rename: then it is not this file; or somebody else wrote it
        File.Delete(path);
        return null;
    }

    /// <summary>Deletes a socket of ours in the state folder that nobody serves.</summary>
    internal static void DeleteSocket(SwitchPortDeclaration port, FabricPaths paths)
    {
        if (port.Connects || port.Socket.Length == 0 || Path.IsPathRooted(port.Socket)) return;
        File.Delete(paths.SocketOf(port));
        File.Delete(paths.SocketOf(port) + ".lock");
    }

    private static string Json(SwitchDeclaration one) => JsonSerializer.Serialize(one, FabricJson.Default.SwitchDeclaration);
}

/// <summary>A changed switch in the state folder.</summary>
/// <param name="Declared">What the file said then.</param>
/// <param name="Now">What it was changed to.</param>
internal sealed record SwitchRecord(SwitchDeclaration Declared, SwitchDeclaration Now);

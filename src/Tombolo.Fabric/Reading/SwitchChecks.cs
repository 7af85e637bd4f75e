// SPDX-License-Identifier: MIT
using Tombolo.Fabric.Yaml;

namespace Tombolo.Fabric.Reading;

/// <summary>What can only be judged with switches and machines in hand.</summary>
internal sealed class SwitchChecks(FaultList faults, IReadOnlyList<DeclaredSwitch> switches, IReadOnlyList<Declared<MachineDeclaration>> machines)
{
    public void Run()
    {
        foreach (DeclaredSwitch one in switches) CheckPorts(one);
        foreach (Declared<MachineDeclaration> machine in machines) CheckMachine(machine);
        CheckSameAddresses();
        CheckSameUplinks();
    }

    private void CheckSameUplinks()
    {
        var all = switches.SelectMany(one => one.Ports.SelectMany(port => UplinkRules.Claims(port.Value).Select(claim => (Member: $"{port.Value.Name} of switch {one.Value.Name}", Port: port, claim.Key, claim.Words))));
        foreach (var same in all.GroupBy(one => one.Words))
            foreach (var other in same.Skip(1)) faults.Add(other.Port.Of(other.Key), $"Member {same.First().Member} {same.Key}, and so does member {other.Member}; only one can.");
    }

    private void CheckPorts(DeclaredSwitch declared)
    {
        string name = declared.Value.Name;
        Dictionary<string, string> macs = [];
        foreach (Declared<SwitchPortDeclaration> port in declared.Ports)
        {
            foreach (string mac in port.Value.Macs)
                if (!macs.TryAdd(mac, port.Value.Name)) faults.Add(port.Of("mac"), $"Members {macs[mac]} and {port.Value.Name} of switch {name} have the same address {mac}.");
            if (port.Value.Machine is not { } machine) continue;
            if (machines.FirstOrDefault(one => one.Value.Name == machine) is not { } owner)
                faults.Add(port.Of("machine"), $"Member {port.Value.Name} of switch {name} names machine '{machine}', which is not declared; {Sentences.DidYouMean(machine, [.. machines.Select(one => one.Value.Name)], "there are no machines.")}");
            else if (!owner.Value.Attach.Contains(name))
                faults.Add(port.Place, $"Member {port.Value.Name} of switch {name} is machine {machine}'s card, and the machine does not attach to the switch; add '{name}' to its 'attach'.");
        }
    }

    private void CheckMachine(Declared<MachineDeclaration> declared)
    {
        MachineDeclaration machine = declared.Value;
        foreach (YamlScalar name in declared.Texts("attach"))
            if (switches.FirstOrDefault(one => one.Value.Name == name.Text) is { } joined && joined.Value.Ports.All(port => port.Machine != machine.Name))
                faults.Add(name.Place, $"Machine {machine.Name} attaches to switch {name.Text}, which has no member for it; add '{machine.Name}' to its 'members'.");
        if (machine.Addresses.Count > 0 && machine.Image is null) faults.Add(declared.Of("ip"), $"'ip' of machine {machine.Name} needs the demo image; another image has nobody who would read it.");
        if (!declared.Found.TryGetValue("ip", out YamlNode? node) || node is not YamlMap map) return;
        foreach ((YamlScalar card, _) in map.Entries)
            if (CardProblem(machine.Name, card.Text) is { } problem) faults.Add(card.Place, $"'ip' of machine {machine.Name} names '{card.Text}', {problem}");
    }

    private string? CardProblem(string machine, string card)
    {
        string[] switchesOfIt = [.. switches.Where(one => one.Value.Ports.Any(port => port.Machine == machine)).Select(one => one.Value.Name)];
        return Cards.Of(switches.Select(one => one.Value), machine, card).Length switch
        {
            1 => null,
            0 => $"which is no switch or card of the machine; {Sentences.DidYouMean(card, switchesOfIt, "it attaches to no switch.")}",
            _ => "where the machine has several cards; name one of them instead.",
        };
    }

    private void CheckSameAddresses()
    {
        var all = machines.SelectMany(machine => machine.Value.Addresses.Select(address => (Machine: machine, address.Address, Cards: Cards.Of(switches.Select(one => one.Value), machine.Value.Name, address.Card))))
            .Where(one => one.Cards.Length == 1);
        foreach (var same in all.GroupBy(one => (one.Cards[0].Switch.Name, one.Address.Split('/')[0])).Where(group => group.Count() > 1))
            faults.Add(same.ElementAt(1).Machine.Of("ip"), $"Machines {same.First().Machine.Value.Name} and {same.ElementAt(1).Machine.Value.Name} have the same address {same.Key.Item2} on switch {same.Key.Name}.");
    }
}

/// <summary>Which card a machine's file means.</summary>
internal static class Cards
{
    /// <summary>The cards of a machine that a word means: one by its own name, or all of a switch.</summary>
    public static (SwitchDeclaration Switch, SwitchPortDeclaration Port)[] Of(IEnumerable<SwitchDeclaration> switches, string machine, string card)
    {
        (SwitchDeclaration Switch, SwitchPortDeclaration Port)[] own = [.. switches.SelectMany(one => one.Ports.Where(port => port.Machine == machine).Select(port => (one, port)))];
        (SwitchDeclaration Switch, SwitchPortDeclaration Port)[] bySwitch = [.. own.Where(one => one.Switch.Name == card)];
        return bySwitch.Length > 0 ? bySwitch : [.. own.Where(one => one.Port.Name == card)];
    }
}

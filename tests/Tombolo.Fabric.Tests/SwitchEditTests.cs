// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Switching;

namespace Tombolo.Fabric.Tests;

/// <summary>What a switch is after a change, and what cannot be changed.</summary>
public sealed class SwitchEditTests
{
    private static readonly SwitchDeclaration _lan = Yaml.Good("""
        fabric: f
        switches: { lan: { members: { a: 02:00:00:00:00:0a, b: 02:00:00:00:00:0b, c: 02:00:00:00:00:0c }, topologies: { x: [a, b, c], y: { members: [b, c], partitions: [[b], [c]], cut: [[b, c]] } } } }
        """).Switches[0];

    private static readonly SwitchEdit _edit = new("f", _lan);

    private static string Told(SwitchDeclaration now) => string.Join("; ", now.Topologies.Select(topology =>
        $"{topology.Name}: {string.Join(' ', topology.Members)}{string.Concat(topology.Partitions.Select(group => $" [{string.Join(' ', group)}]"))}{string.Concat(topology.Cut.Select(pair => $" {pair.One}/{pair.Other}"))}"));

    private static void Refused(Func<SwitchDeclaration> edit, string sentence) => Should.Throw<FabricException>(edit).Message.ShouldBe(sentence);

    [Fact]
    public void Move_ToATopology_LeavesTheOthers_AndTheirCutPairs()
    {
        SwitchDeclaration moved = SwitchEdit.Move(_lan, "c", new() { To = ["x"] });
        Told(moved).ShouldBe("x: a b c; y: b [b] [] b/c");
        Told(SwitchEdit.Move(moved, "c", new() { To = ["y/1"] })).ShouldBe("x: a b; y: b c [b c] [] b/c");
        Translation.ToSwitch(SwitchEdit.Move(moved, "c", new() { To = ["y/3"] }), new("/run/t", "f")).Problems().ShouldBeEmpty();
    }

    [Fact]
    public void Move_Nowhere_ThenBack() => Told(SwitchEdit.Move(SwitchEdit.Move(_lan, "a", new() { To = [] }), "a", new() { To = ["x", "z"], MayCreate = true })).ShouldBe("x: b c a; y: b c [b] [c] b/c; z: a");

    [Fact]
    public void Move_CutAndUncut_TouchesPairsAlone()
    {
        SwitchDeclaration cut = SwitchEdit.Move(_lan, "a", new() { Cut = ["b"] });
        Told(cut).ShouldBe("x: a b c a/b; y: b c [b] [c] b/c");
        Told(SwitchEdit.Move(cut, "b", new() { Uncut = ["a", "c"] })).ShouldBe("x: a b c; y: b c [b] [c]");
    }

    [Fact]
    public void Move_WhatCannotBe_IsRefused()
    {
        Refused(() => SwitchEdit.Move(_lan, "a", new() { To = ["w"] }), "Switch lan has no topology 'w'; there are x, y. A new one must be asked for.");
        Refused(() => SwitchEdit.Move(_lan, "a", new() { To = ["y/4"] }), "Topology 'y' has 2 partitions; 'y/4' would leave a gap.");
        Refused(() => SwitchEdit.Move(_lan, "a", new() { To = ["y/0"] }), "'y/0' names no partition; write TOPOLOGY/NUMBER, the number from 1.");
        Refused(() => SwitchEdit.Move(_lan, "a", new() { Cut = ["a"] }), "Port 'a' cannot be cut from itself.");
        Refused(() => SwitchEdit.Move(_lan, "q", new()), "Switch lan has no port 'q'; there are a, b, c.");
    }

    [Fact]
    public void RemoveThenAdd_ADeclaredPort_IsAsDeclaredAgain()
    {
        SwitchDeclaration removed = SwitchEdit.Remove(_lan, "b");
        Told(removed).ShouldBe("x: a c; y: c [] [c]");
        SwitchDeclaration back = _edit.Add(removed, new() { Name = "b" });
        Told(back).ShouldBe("x: a c b; y: c b [b] [c]");
        back.Ports[^1].ShouldBe(_lan.Ports[1]);
    }

    [Fact]
    public void Add_NewPort_NeedsATopologyAndAFreeName()
    {
        Refused(() => _edit.Add(_lan, new() { Name = "d" }), "Which topologies of switch lan does port 'd' join? There are x, y; none at all must be said too.");
        Refused(() => _edit.Add(_lan, new() { Name = "a" }), "Switch lan has a port 'a' already.");
        Refused(() => _edit.Add(_lan, new() { Name = "d e" }), "'d e' is no name for a port; it must be a letter followed by at most 30 letters, digits, '-' and '_'.");
        Refused(() => _edit.Add(_lan, new() { Name = "d", Topologies = [], Settings = new() { Macs = ["02:00:00:00:00:0a"] } }), "Port 'a' of switch lan has the address 02:00:00:00:00:0a already.");
        SwitchPortDeclaration added = _edit.Add(_lan, new() { Name = "d", Topologies = ["x"], Settings = new() { Macs = ["02:00:00:00:00:0D"], Mtu = 1400 } }).Ports[^1];
        (added.Socket, added.Macs[0], added.Mtu, added.Machine).ShouldBe(("lan-d.sock", "02:00:00:00:00:0d", 1400, null));
    }

    [Fact]
    public void Set_Link_ChangesWhatIsSaid_AndPerfectBeginsAnew()
    {
        SwitchDeclaration slow = SwitchEdit.Set(_lan, "a", new() { ToGuest = new() { Delay = TimeSpan.FromMilliseconds(5), Loss = 0.01, Seed = 3 } });
        slow.Ports[0].ToGuest.ShouldBe(new LinkConditions { Delay = TimeSpan.FromMilliseconds(5), Loss = 0.01, Seed = 3 });
        slow.Ports[0].FromGuest.ShouldBeNull();
        SwitchDeclaration lossy = SwitchEdit.Set(slow, "a", new() { ToGuest = new() { Delay = TimeSpan.Zero } });
        lossy.Ports[0].ToGuest.ShouldBe(new LinkConditions { Loss = 0.01, Seed = 3 });
        SwitchEdit.Set(lossy, "a", new() { ToGuest = new() { FromPerfect = true } }).Ports[0].ToGuest.ShouldBeNull();
        Refused(() => SwitchEdit.Set(_lan, "a", new() { Macs = ["02:00:00:00:00:0b"] }), "Port 'b' of switch lan has the address 02:00:00:00:00:0b already.");
    }
}

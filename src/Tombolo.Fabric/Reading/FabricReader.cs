// SPDX-License-Identifier: MIT
using System.Text.RegularExpressions;
using Tombolo.Fabric.Yaml;
using Tombolo.Machines;

namespace Tombolo.Fabric.Reading;

/// <summary>Something declared under a name, with the places of its parts.</summary>
internal sealed record Declared<T>(T Value, Place Place, IReadOnlyDictionary<string, YamlNode> Found)
{
    /// <summary>Where a key's value stands, or the name if the key is not there.</summary>
    public Place Of(string key) => Found.TryGetValue(key, out YamlNode? node) ? node.Place : Place;

    /// <summary>The texts of a key with their places.</summary>
    public IEnumerable<YamlScalar> Texts(string key) => !Found.TryGetValue(key, out YamlNode? node) ? []
        : node is YamlList list ? list.Items.OfType<YamlScalar>() : node is YamlScalar scalar ? [scalar] : [];
}

/// <summary>Reads the tree of a file into a declaration.</summary>
internal sealed partial class FabricReader(ReadingContext context, string runtimeRoot)
{
    private FaultList Faults => context.Faults;

    /// <returns>Null where there are faults.</returns>
    public FabricDeclaration? Read(YamlNode root)
    {
        (FabricDraft draft, IReadOnlyDictionary<string, YamlNode> found) = Keys.Fabric.Read(root, new(null, null, null, null, null), "the fabric", context);
        string name = Name(draft.Name, found, root);
        List<Declared<MailboxDeclaration>> mailboxes = [.. Named(draft.Mailboxes, "mailboxes", MailboxNamePattern(), "a letter followed by at most 30 letters, digits, '-' and '_'").Select(Mailbox)];
        List<Declared<RegionsDeclaration>> regions = [.. Named(draft.Regions, "regions", MailboxNamePattern(), "a letter followed by at most 30 letters, digits, '-' and '_'").Select(Regions)];
        List<Declared<MachineDeclaration>> machines = [.. Named(draft.Machines, "machines", NamePattern(), NameRule).Select(Machine)];
        SwitchReader switchReader = new(context, name, machines);
        List<DeclaredSwitch> switches = [.. Named(draft.Switches, "switches", MailboxNamePattern(), "a letter followed by at most 30 letters, digits, '-' and '_'").Select(switchReader.Read)];
        Declared<StoreDeclaration>? store = draft.Store is { } node ? Store(node) : null;
        List<Declared<GrantWindowDeclaration>> windows = [];
        Declared<GrantsDeclaration>? grants = draft.Grants is { } part ? Grants(part, windows) : null;
        new PolicyReader(context, mailboxes, regions).Apply(draft.Policy);
        new CrossChecks(Faults, new FabricPaths(runtimeRoot, name), mailboxes, regions, machines) { Store = store, Switches = switches, Grants = grants, Windows = windows }.Run();
        return Faults.Any ? null : new()
        {
            Name = name,
            Mailboxes = [.. mailboxes.Select(one => one.Value)],
            Store = store?.Value,
            Grants = grants?.Value,
            Regions = [.. regions.Select(one => one.Value)],
            Switches = [.. switches.Select(one => one.Value)],
            Machines = [.. machines.Select(one => one.Value)],
        };
    }

    private const string NameRule = "a letter followed by at most 30 letters, digits and '-'";

    private string Name(string? name, IReadOnlyDictionary<string, YamlNode> found, YamlNode root)
    {
        if (!found.TryGetValue("fabric", out YamlNode? node))
        {
            if (root is YamlMap) Faults.Add(root.Place, "The fabric has no name; begin the file with 'fabric: NAME'.");
            return "unnamed";
        }
        if (name is null) return "unnamed";
        if (!NamePattern().IsMatch(name)) Faults.Add(node.Place, $"The fabric's name is '{name}'; it must be {NameRule}.");
        return name;
    }

    // What a section of names holds: each name with its value.
    private IEnumerable<(YamlScalar Name, YamlNode Value)> Named(YamlNode? node, string section, Regex pattern, string rule)
    {
        if (node is null or YamlScalar { IsNull: true }) yield break;
        if (node is not YamlMap map)
        {
            Faults.Add(node.Place, $"'{section}' is {node.Kind}; it must be names with what they are, such as '{section}: {{ {section switch { "machines" => "vm0", "regions" => "phone", "switches" => "lan", "windows" => "pages", _ => "genz" }}: {{ … }} }}'.");
            yield break;
        }
        foreach ((YamlScalar name, YamlNode value) in map.Entries)
        {
            if (pattern.IsMatch(name.Text)) yield return (name, value);
            else Faults.Add(name.Place, $"'{name.Text}' under '{section}' is no name; it must be {rule}.");
        }
    }

    private Declared<MailboxDeclaration> Mailbox((YamlScalar Name, YamlNode Value) entry)
    {
        string name = entry.Name.Text;
        (MailboxDeclaration mailbox, IReadOnlyDictionary<string, YamlNode> found) =
            Keys.Mailbox.Read(entry.Value, new() { Name = name, Socket = $"{name}.sock" }, $"mailbox {name}", context);
        if (!found.ContainsKey("vectors")) mailbox = mailbox with { Vectors = mailbox.Clients + 2 };
        return new(mailbox, entry.Name.Place, found);
    }

    private Declared<StoreDeclaration> Store(YamlNode node)
    {
        (StoreDeclaration store, IReadOnlyDictionary<string, YamlNode> found) = Keys.Store.Read(node, new(), "the store", context);
        return new(store, node.Place, found);
    }

    private Declared<GrantsDeclaration> Grants(YamlNode node, List<Declared<GrantWindowDeclaration>> windows)
    {
        (GrantsDraft draft, IReadOnlyDictionary<string, YamlNode> found) = Keys.Grants.Read(node, new(new(), null), "the grants", context);
        int next = 1;   // windows without a 'first' follow the one before
        foreach ((YamlScalar Name, YamlNode Value) entry in Named(draft.Windows, "windows", MailboxNamePattern(), "a letter followed by at most 30 letters, digits, '-' and '_'"))
        {
            string name = entry.Name.Text;
            (GrantWindowDeclaration window, IReadOnlyDictionary<string, YamlNode> keys) = Keys.GrantWindow.Read(entry.Value, new() { Name = name, Socket = $"{name}.sock", First = next }, $"window {name}", context);
            windows.Add(new(window, entry.Name.Place, keys));
            next = window.Last + 1;
        }
        return new(draft.Value with { Windows = [.. windows.Select(one => one.Value)] }, node.Place, found);
    }

    private Declared<RegionsDeclaration> Regions((YamlScalar Name, YamlNode Value) entry)
    {
        string name = entry.Name.Text;
        (RegionsDeclaration regions, IReadOnlyDictionary<string, YamlNode> found) =
            Keys.Regions.Read(entry.Value, new() { Name = name, Qemu = $"{name}-qemu.sock", Clients = $"{name}.sock" }, $"regions {name}", context);
        if (!found.ContainsKey("layout")) Faults.Add(entry.Name.Place, $"Regions {name} have no 'layout', the file that says which regions there are.");
        return new(regions, entry.Name.Place, found);
    }

    private Declared<MachineDeclaration> Machine((YamlScalar Name, YamlNode Value) entry)
    {
        string name = entry.Name.Text;
        (MachineDeclaration machine, IReadOnlyDictionary<string, YamlNode> found) = Keys.Machine.Read(entry.Value, new() { Name = name }, $"machine {name}", context);
        if (!found.ContainsKey("image") && !found.ContainsKey("kernel") && !found.ContainsKey("disks")) machine = machine with { Image = MachineDeclaration.DemoImage };
        if (machine.Image is not null && !found.ContainsKey("ready")) machine = machine with { Ready = ConsoleMark.Ready };
        return new(machine, entry.Name.Place, found);
    }

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9-]{0,30}$")] private static partial Regex NamePattern();
    [GeneratedRegex("^[A-Za-z][A-Za-z0-9_-]{0,30}$")] private static partial Regex MailboxNamePattern();
}

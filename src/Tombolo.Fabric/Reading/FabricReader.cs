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
        (FabricDraft draft, IReadOnlyDictionary<string, YamlNode> found) = Keys.Fabric.Read(root, new(null, null, null, null), "the fabric", context);
        string name = Name(draft.Name, found, root);
        List<Declared<MailboxDeclaration>> mailboxes = [.. Named(draft.Mailboxes, "mailboxes", MailboxNamePattern(), "a letter followed by at most 30 letters, digits, '-' and '_'").Select(Mailbox)];
        List<Declared<MachineDeclaration>> machines = [.. Named(draft.Machines, "machines", NamePattern(), NameRule).Select(Machine)];
        Declared<StoreDeclaration>? store = draft.Store is { } node ? Store(node) : null;
        ApplyPolicy(draft.Policy, mailboxes);
        new CrossChecks(Faults, new FabricPaths(runtimeRoot, name), mailboxes, machines) { Store = store }.Run();
        return Faults.Any ? null : new() { Name = name, Mailboxes = [.. mailboxes.Select(one => one.Value)], Store = store?.Value, Machines = [.. machines.Select(one => one.Value)] };
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
            Faults.Add(node.Place, $"'{section}' is {node.Kind}; it must be names with what they are, such as '{section}: {{ {(section == "machines" ? "vm0" : "genz")}: {{ … }} }}'.");
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

    private Declared<MachineDeclaration> Machine((YamlScalar Name, YamlNode Value) entry)
    {
        string name = entry.Name.Text;
        (MachineDeclaration machine, IReadOnlyDictionary<string, YamlNode> found) = Keys.Machine.Read(entry.Value, new() { Name = name }, $"machine {name}", context);
        if (!found.ContainsKey("image") && !found.ContainsKey("kernel") && !found.ContainsKey("disks")) machine = machine with { Image = MachineDeclaration.DemoImage };
        if (machine.Image is not null && !found.ContainsKey("ready")) machine = machine with { Ready = ConsoleMark.Ready };
        return new(machine, entry.Name.Place, found);
    }

    private void ApplyPolicy(YamlNode? node, List<Declared<MailboxDeclaration>> mailboxes)
    {
        if (node is null or YamlScalar { IsNull: true }) return;
        if (node is not YamlList list)
        {
            Faults.Add(node.Place, $"'policy' is {node.Kind}; it must be a list of rules, such as '- {{ who: {{ uid: 1000 }}, may: [join genz] }}'.");
            return;
        }
        foreach (YamlNode item in list.Items)
        {
            (PolicyDraft rule, IReadOnlyDictionary<string, YamlNode> found) = Keys.Policy.Read(item, new(AccessList.Empty, null), "a policy rule", context);
            if (item is not YamlMap) continue;
            if (!found.ContainsKey("who")) Faults.Add(item.Place, "A policy rule has no 'who'; name a uid or a gid.");
            if (!found.ContainsKey("may")) Faults.Add(item.Place, "A policy rule has no 'may'; say what is allowed, such as 'join genz'.");
            if (rule.May is null) continue;
            foreach (YamlScalar right in rule.May is YamlList rights ? rights.Items.OfType<YamlScalar>() : [(YamlScalar)rule.May]) Grant(right, rule.Who, mailboxes);
        }
    }

    private void Grant(YamlScalar right, AccessList who, List<Declared<MailboxDeclaration>> mailboxes)
    {
        string[] words = right.Text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words is not ["join", var name])
        {
            Faults.Add(right.Place, words is ["read" or "write", _]
                ? $"'{right.Text}' is about regions, which are not available in this version; 'join MAILBOX' is."
                : $"'{right.Text}' is no right; the only one is 'join MAILBOX'.");
            return;
        }
        int at = mailboxes.FindIndex(mailbox => mailbox.Value.Name == name);
        if (at < 0) Faults.Add(right.Place, $"'{right.Text}' names mailbox '{name}', which is not declared; {Sentences.DidYouMean(name, [.. mailboxes.Select(one => one.Value.Name)], "there are no mailboxes.")}");
        else mailboxes[at] = mailboxes[at] with { Value = mailboxes[at].Value with { Allow = mailboxes[at].Value.Allow.With(who) } };
    }

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9-]{0,30}$")] private static partial Regex NamePattern();
    [GeneratedRegex("^[A-Za-z][A-Za-z0-9_-]{0,30}$")] private static partial Regex MailboxNamePattern();
}

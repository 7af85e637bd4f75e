// SPDX-License-Identifier: MIT
using Tombolo.Fabric.Yaml;

namespace Tombolo.Fabric.Reading;

/// <summary>Reads the rules of policy, and gives each to the mailbox or the regions that it is about.</summary>
internal sealed class PolicyReader(ReadingContext context, List<Declared<MailboxDeclaration>> mailboxes, List<Declared<RegionsDeclaration>> regions)
{
    private FaultList Faults => context.Faults;

    public void Apply(YamlNode? node)
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
            foreach (YamlScalar right in rule.May is YamlList rights ? rights.Items.OfType<YamlScalar>() : [(YamlScalar)rule.May]) Grant(right, rule.Who);
        }
    }

    private void Grant(YamlScalar right, AccessList who)
    {
        switch (right.Text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            case ["join", var name]:
                if (IndexOf(right, name, mailboxes, one => one.Name, "mailbox", "there are no mailboxes.") is var at and >= 0)
                    mailboxes[at] = mailboxes[at] with { Value = mailboxes[at].Value with { Allow = mailboxes[at].Value.Allow.With(who) } };
                break;
            case [("read" or "write") and var verb, var what]:
                string[] parts = what.Split('/', 2);
                if (IndexOf(right, parts[0], regions, one => one.Name, "regions", "there are no regions.") is var window and >= 0)
                    regions[window] = regions[window] with { Value = regions[window].Value with { Rules = [.. regions[window].Value.Rules, new(parts.Length > 1 ? parts[1] : null, verb == "write", who)] } };
                break;
            default:
                Faults.Add(right.Place, $"'{right.Text}' is no right; there are 'join MAILBOX', and 'read' and 'write REGIONS' or 'REGIONS/REGION'.");
                break;
        }
    }

    private int IndexOf<T>(YamlScalar right, string name, List<Declared<T>> declared, Func<T, string> nameOf, string kind, string none)
    {
        int at = declared.FindIndex(one => nameOf(one.Value) == name);
        if (at < 0) Faults.Add(right.Place, $"'{right.Text}' names {kind} '{name}', which {(kind == "regions" ? "are" : "is")} not declared; {Sentences.DidYouMean(name, [.. declared.Select(one => nameOf(one.Value))], none)}");
        return at;
    }
}

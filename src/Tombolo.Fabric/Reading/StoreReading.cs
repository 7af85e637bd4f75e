// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Tombolo.Fabric.Yaml;
using Tombolo.Store;

namespace Tombolo.Fabric.Reading;

/// <summary>Reads what stands under <c>domains</c> and <c>keys</c> of the store: names of the user's own choice.</summary>
internal static partial class StoreReading
{
    private const int MostNodes = 10_000;

    /// <summary>Users, each with its domain.</summary>
    public static IReadOnlyList<StoreUser>? Domains(YamlNode node, ValueReader read)
    {
        if (node is not YamlMap map) return read.WrongObject<IReadOnlyList<StoreUser>>(node, "users with their domains, such as { 1000: 5 }");
        List<StoreUser> users = [];
        foreach ((YamlScalar user, YamlNode value) in map.Entries)
        {
            if (value is YamlScalar { IsPlain: true } number && int.TryParse(number.Text, NumberStyles.None, CultureInfo.InvariantCulture, out int domain) && domain <= DomainId.Highest) users.Add(new(user.Text, domain));
            else read.Say(value.Place, $"The domain of user '{user.Text}' is {value.Kind}; it must be a number from 0 to {DomainId.Highest}.");
        }
        return users;
    }

    /// <summary>Nodes: a path with a value, or with a map of 'value', 'chmod' and the names of children.</summary>
    public static IReadOnlyList<StoreNodeDeclaration>? Nodes(YamlNode node, ValueReader read)
    {
        if (node is not YamlMap map) return read.WrongObject<IReadOnlyList<StoreNodeDeclaration>>(node, "paths with what they hold, such as { /offer: { chmod: b0, id: 0 } }");
        List<StoreNodeDeclaration> nodes = [];
        foreach ((YamlScalar path, YamlNode value) in map.Entries)
        {
            if (path.Text.StartsWith('/')) Add(path, path.Text, value, nodes, read);
            else read.Say(path.Place, $"'{path.Text}' under 'keys' is no path; it must begin with '/'.");
        }
        return nodes;
    }

    private static void Add(YamlScalar name, string path, YamlNode node, List<StoreNodeDeclaration> nodes, ValueReader read)
    {
        if (!StorePath.IsAbsolute(path))
        {
            read.Say(name.Place, $"'{path}' is no path; it must be letters, digits and '-_@' between slashes, at most {StorePath.MaxAbsoluteBytes} bytes.");
            return;
        }
        if (nodes.Count >= MostNodes)
        {
            if (nodes.Count == MostNodes) read.Say(name.Place, $"There are more than {MostNodes} keys.");
            return;
        }
        int at = nodes.Count;
        nodes.Add(new(path, "", null));
        if (node is YamlList)
        {
            read.Say(node.Place, $"'{path}' is a list; it must be a value, or a map of 'value', 'chmod' and names of children.");
            return;
        }
        if (node is YamlScalar scalar) nodes[at] = nodes[at] with { Value = Value(scalar, path, read) };
        if (node is not YamlMap map) return;
        foreach ((YamlScalar key, YamlNode value) in map.Entries)
        {
            if (key.Text == "chmod") nodes[at] = nodes[at] with { Chmod = Permissions(value, path, read) };
            else if (key.Text == "value" && value is YamlScalar text) nodes[at] = nodes[at] with { Value = Value(text, path, read) };
            else Add(key, path == "/" ? $"/{key.Text}" : $"{path}/{key.Text}", value, nodes, read);
        }
    }

    private static string Value(YamlScalar scalar, string path, ValueReader read)
    {
        if (scalar.IsNull) return "";
        if (Encoding.UTF8.GetByteCount(scalar.Text) + path.Length < StoreHeader.MaxPayload) return scalar.Text;
        read.Say(scalar.Place, $"The value of '{path}' is too long; with its path it may have {StoreHeader.MaxPayload - 1} bytes.");
        return "";
    }

    // A letter alone is what everybody may do with a node of domain 0.
    private static string? Permissions(YamlNode node, string path, ValueReader read)
    {
        string text = node switch { YamlScalar scalar => scalar.Text, YamlList list => string.Join(' ', list.Items.OfType<YamlScalar>().Select(item => item.Text)), _ => "" };
        if (LetterPattern().IsMatch(text)) text += "0";
        try { return StorePermissions.Parse(text).ToString(); }
        catch (FormatException exception)
        {
            read.Say(node.Place, $"'chmod' of '{path}' is {node.Kind}: {exception.Message}");
            return null;
        }
    }

    [GeneratedRegex("^[rwbn]$")] private static partial Regex LetterPattern();
}

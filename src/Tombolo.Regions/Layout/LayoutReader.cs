// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Regions;

/// <summary>Turns a placed JSON document into a layout. Everything that is wrong goes to the faults; the rest is read all the same.</summary>
internal sealed class LayoutReader(List<(long At, string Path, string Message)> faults)
{
    private const string Header = "vsoc_shm_layout_descriptor", List = "vsoc_device_regions";
    private const uint MaxWord = uint.MaxValue;

    /// <summary>One region as far as it could be read; null stands for what is missing or wrong.</summary>
    private sealed record Draft(PlacedJson Node, PlacedJson NameNode, string? Name, ushort Current, ushort Oldest, long? Begin, long? End, long? Size, uint? GuestToHost, uint? HostToGuest, PlacedJson? ManagerNode);

    public RegionLayout? Read(PlacedJson root)
    {
        if (root is not PlacedObject top)
        {
            Say(root, $"The file holds {root.Shown}; it must be an object with '{Header}' and '{List}'.");
            return null;
        }
        ushort minor = ReadHeader(top);
        Draft[] drafts = ReadRegions(top);
        if (drafts.Length == 0) return null;
        CheckNames(drafts);
        uint[] managers = [.. drafts.Select(draft => ManagerOf(draft, drafts))];
        var places = new (long Begin, long End)?[drafts.Length];
        RegionDescriptor?[] placed = Place(drafts, managers, places);
        CheckOverlaps(drafts, places);
        return faults.Count > 0 ? null : RegionLayout.Of(minor, [.. placed.Select(region => region!.Value)]);
    }

    private ushort ReadHeader(PlacedObject top)
    {
        if (ObjectOf(top, Header) is not { } header) return 0;
        if (NumberOf(header, "major_version", ushort.MaxValue) is { } major and not LayoutDescriptor.CurrentMajor)
            Say(header.Members["major_version"], $"'major_version' is {major}; the guest's driver takes only {LayoutDescriptor.CurrentMajor}.");
        return (ushort)(NumberOf(header, "minor_version", ushort.MaxValue) ?? 0);
    }

    private Draft[] ReadRegions(PlacedObject top)
    {
        if (!top.Members.TryGetValue(List, out PlacedJson? node))
        {
            Say(top, $"'{List}' is missing: the list of regions.");
            return [];
        }
        if (node is not PlacedArray { Items: { Count: > 0 and <= RegionLayout.MaxRegions } items })
        {
            Say(node, node is PlacedArray list ? $"'{List}' has {list.Items.Count} regions; it must have 1 to {RegionLayout.MaxRegions}." : $"'{List}' is {node.Shown}; it must be a list of regions.");
            return [];
        }
        return [.. items.Select(ReadRegion)];
    }

    private Draft ReadRegion(PlacedJson node)
    {
        if (node is not PlacedObject region)
        {
            Say(node, $"A region is {node.Shown}; it must be an object.");
            return new(node, node, null, 0, 0, null, null, null, null, null, null);   // so that the others keep their indices
        }
        PlacedJson? nameNode = Member(region, "device_name");
        string? name = nameNode is PlacedText text ? text.Text : null;
        if (nameNode is not null and not PlacedText) Say(nameNode, $"'device_name' is {nameNode.Shown}; it must be a text.");
        else if (name is not null && RegionDescriptor.NameProblem(name) is { } problem) Say(nameNode!, $"The region '{name}' cannot be: {problem}.");
        var draft = new Draft(node, nameNode ?? node, name, (ushort)(NumberOf(region, "current_version", ushort.MaxValue) ?? 0), (ushort)(NumberOf(region, "min_compatible_version", ushort.MaxValue) ?? 0),
            null, null, null, TableOf(region, "guest_to_host_signal_table"), TableOf(region, "host_to_guest_signal_table"), region.Members.GetValueOrDefault("managed_by"));
        bool hasSize = region.Members.ContainsKey("region_size");
        bool hasPlace = region.Members.ContainsKey("region_begin_offset") || region.Members.ContainsKey("region_end_offset");
        if (hasPlace) draft = draft with { Begin = NumberOf(region, "region_begin_offset", MaxWord), End = NumberOf(region, "region_end_offset", MaxWord) };
        else if (hasSize) draft = draft with { Size = NumberOf(region, "region_size", MaxWord) };
        else Say(region, "'region_size' is missing (or 'region_begin_offset' and 'region_end_offset', as older files have it).");
        if (hasPlace && hasSize && NumberOf(region, "region_size", MaxWord) is { } size && draft is { Begin: { } begin, End: { } end } && size != end - begin)
            Say(region.Members["region_size"], $"'region_size' is {size}, but the region lies from {begin} to {end}, {end - begin} bytes; leave one of the two away.");
        return draft;
    }

    private uint? TableOf(PlacedObject region, string key)
    {
        if (ObjectOf(region, key) is not { } table) return null;
        if (NumberOf(table, "num_nodes_lg2", MaxWord) is not { } log2) return null;
        if (log2 <= SignalTable.MaxSlotsLog2) return (uint)log2;
        Say(table.Members["num_nodes_lg2"], $"'num_nodes_lg2' is {log2}; the most is {SignalTable.MaxSlotsLog2}, for {1 << (int)SignalTable.MaxSlotsLog2} signals at once.");
        return null;
    }

    private void CheckNames(Draft[] drafts)
    {
        foreach (IGrouping<string, Draft> same in drafts.Where(draft => draft.Name is not null).GroupBy(draft => draft.Name!).Where(group => group.Count() > 1))
            foreach (Draft later in same.Skip(1)) Say(later.NameNode, $"There is a region '{same.Key}' already, {same.First().Node.Path}; names must differ.");
    }

    private uint ManagerOf(Draft draft, Draft[] drafts)
    {
        if (draft.ManagerNode is null or PlacedWord { Word: "null" }) return 0;
        if (draft.ManagerNode is not PlacedText { Text: var name } node)
        {
            Say(draft.ManagerNode, $"'managed_by' is {draft.ManagerNode.Shown}; it must be the name of a region.");
            return 0;
        }
        int index = Array.FindIndex(drafts, other => other.Name == name);
        if (index < 0) Say(node, $"'managed_by' names '{name}', and there is no such region.");
        else if (ReferenceEquals(drafts[index], draft)) Say(node, $"The region '{name}' cannot manage itself.");
        else if (index == 0) Say(node, $"'managed_by' names '{name}', the first region, whose index 0 means \"not managed\"; move that region down in the list.");
        else return (uint)index;
        return 0;
    }

    // The places are told even where nothing can be placed there, for they may overlap all the same.
    private RegionDescriptor?[] Place(Draft[] drafts, uint[] managers, (long Begin, long End)?[] places)
    {
        var placed = new RegionDescriptor?[drafts.Length];
        long next = RegionLayout.FirstBegin(drafts.Length);
        for (int index = 0; index < drafts.Length; index++)
        {
            Draft draft = drafts[index];
            if ((draft.Begin ?? (draft.Size is null ? null : next)) is not { } begin || (draft.End ?? (draft.Size is { } size ? begin + RegionLayout.PageUp(size) : null)) is not { } end) continue;
            bool isPlace = IsPlace(draft, begin, end);
            if (begin < end && (isPlace || draft.Size is null)) places[index] = (begin, end);
            if (!isPlace) continue;
            next = Math.Max(next, end);   // one that cannot be does not push the others out of place
            if (draft.GuestToHost is not { } guestToHost || draft.HostToGuest is not { } hostToGuest) continue;
            (SignalTable fromGuest, SignalTable toGuest, uint data) = RegionLayout.PlaceTables(guestToHost, hostToGuest);
            if ((draft.Size ?? end - begin) <= data)
                Say(draft.Node, $"The region '{draft.Name}' has {draft.Size ?? end - begin} bytes, too few for its signal tables, which take {data}, and any data.");
            else
                placed[index] = new(draft.Current, draft.Oldest, (uint)begin, (uint)end, data, fromGuest, toGuest, draft.Name ?? "", managers[index]);
        }
        return placed;
    }

    private bool IsPlace(Draft draft, long begin, long end)
    {
        int before = faults.Count;
        if (end > MaxWord)
            Say(draft.Node, $"The region '{draft.Name}' would end at {end}, beyond 4 GiB, which offsets of 32 bits cannot say.");
        else if (end > RegionLayout.MaxWindowBytes)
            Say(draft.Node, $"The region '{draft.Name}' would end at {end}; the window's size is a power of two that must fit in 32 bits, so {RegionLayout.MaxWindowBytes} is the most.");
        if (draft.Size is not null) return faults.Count == before;
        if (begin >= end) Say(draft.Node, $"The region '{draft.Name}' begins at {begin} and ends at {end}; it must end after it begins.");
        foreach ((string key, long value) in new[] { ("region_begin_offset", begin), ("region_end_offset", end) })
            if (value % RegionDescriptor.PageBytes != 0)
                Say(((PlacedObject)draft.Node).Members[key], $"'{key}' is {value}; regions begin and end on pages, multiples of {RegionDescriptor.PageBytes}.");
        return faults.Count == before;
    }

    private void CheckOverlaps(Draft[] drafts, (long Begin, long End)?[] places)
    {
        long first = RegionLayout.FirstBegin(drafts.Length), after = first;
        string before = $"the descriptors, which end at {first}";
        foreach (int index in Enumerable.Range(0, places.Length).Where(index => places[index] is not null).OrderBy(index => places[index]!.Value.Begin).ThenBy(index => index))
        {
            (long begin, long end) = places[index]!.Value;
            if (begin < after) Say(drafts[index].Node, $"The region '{drafts[index].Name}' ({begin} to {end}) overlaps {before}.");
            if (end <= after) continue;
            after = end;
            before = $"the region '{drafts[index].Name}' ({begin} to {end})";
        }
    }

    private PlacedObject? ObjectOf(PlacedObject owner, string key)
    {
        if (Member(owner, key) is not { } node) return null;
        if (node is PlacedObject found) return found;
        Say(node, $"'{key}' is {node.Shown}; it must be an object.");
        return null;
    }

    private long? NumberOf(PlacedObject owner, string key, long most)
    {
        if (Member(owner, key) is not { } node) return null;
        string word = node switch { PlacedWord number => number.Word, PlacedText text => text.Text.Trim(), _ => "" };
        bool isHex = node is PlacedText && word.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        bool isNumber = isHex ? ulong.TryParse(word.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong value) : ulong.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out value);
        if (isNumber && value <= (ulong)most) return (long)value;
        Say(node, isNumber && most == MaxWord ? $"'{key}' is {word}; offsets and sizes must be below 4 GiB." : $"'{key}' is {node.Shown}; it must be a whole number from 0 to {most}.");
        return null;
    }

    private PlacedJson? Member(PlacedObject owner, string key)
    {
        if (owner.Members.TryGetValue(key, out PlacedJson? node)) return node;
        Say(owner, $"'{key}' is missing.");
        return null;
    }

    private void Say(PlacedJson at, string message) => faults.Add((at.At, at.Path, message));
}

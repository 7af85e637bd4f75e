// SPDX-License-Identifier: MIT
namespace Tombolo.Store;

/// <summary>A node's children, ordered by name: an immutable B+ tree with pages of at most 32. A change copies the pages on its way, and nothing else.</summary>
internal sealed class NodeMap
{
    private const int PageSize = 32;

    private readonly StoreNode[]? _nodes;   // of a leaf
    private readonly NodeMap[]? _pages;     // of an inner page
    private readonly byte[] _first;

    private NodeMap(StoreNode[] nodes)
    {
        _nodes = nodes;
        Count = nodes.Length;
        _first = nodes.Length > 0 ? nodes[0].Name : [];
    }

    private NodeMap(NodeMap[] pages)
    {
        _pages = pages;
        _first = pages[0]._first;
        foreach (NodeMap page in pages) Count += page.Count;
    }

    public static NodeMap Empty { get; } = new((StoreNode[])[]);

    public int Count { get; }

    public StoreNode? Find(ReadOnlySpan<byte> name)
    {
        NodeMap at = this;
        while (at._pages is { } pages) at = pages[at.PageOf(name)];
        int index = at.Search(name);
        return index >= 0 ? at._nodes![index] : null;
    }

    /// <summary>With a node in place of that of the same name, or added.</summary>
    public NodeMap Put(StoreNode node)
    {
        (NodeMap page, NodeMap? right) = PutInto(node);
        return right is null ? page : new([page, right]);
    }

    /// <summary>Without the node of a name; itself where there is none.</summary>
    public NodeMap Without(ReadOnlySpan<byte> name)
    {
        NodeMap map = Cut(name) ?? Empty;
        while (map._pages is [var only]) map = only;
        return map;
    }

    /// <summary>The nodes in order, from one index on.</summary>
    public IEnumerable<StoreNode> From(int index)
    {
        if (_pages is null)
        {
            for (; index < _nodes!.Length; index++) yield return _nodes[index];
            yield break;
        }
        foreach (NodeMap page in _pages)
        {
            if (index < page.Count)
                foreach (StoreNode node in page.From(index)) yield return node;
            index = Math.Max(0, index - page.Count);
        }
    }

    private (NodeMap Page, NodeMap? Right) PutInto(StoreNode node)
    {
        if (_pages is null)
        {
            int index = Search(node.Name);
            if (index < 0) return Split(Inserted(_nodes!, ~index, node), nodes => new NodeMap(nodes));
            StoreNode[] copy = [.. _nodes!];
            copy[index] = node;
            return (new(copy), null);
        }
        int at = PageOf(node.Name);
        (NodeMap page, NodeMap? right) = _pages[at].PutInto(node);
        NodeMap[] pages = [.. _pages];
        pages[at] = page;
        return right is null ? (new(pages), null) : Split(Inserted(pages, at + 1, right), part => new NodeMap(part));
    }

    private NodeMap? Cut(ReadOnlySpan<byte> name)
    {
        if (_pages is null)
        {
            int index = Search(name);
            if (index < 0) return this;
            return _nodes!.Length == 1 ? null : new(Removed(_nodes, index));
        }
        int at = PageOf(name);
        NodeMap? page = _pages[at].Cut(name);
        if (page == _pages[at]) return this;
        if (page is null) return _pages.Length == 1 ? null : new(Removed(_pages, at));
        NodeMap[] pages = [.. _pages];
        pages[at] = page;
        return new(pages);
    }

    private static (NodeMap Page, NodeMap? Right) Split<T>(T[] items, Func<T[], NodeMap> make)
    {
        if (items.Length <= PageSize) return (make(items), null);
        int half = items.Length / 2;
        return (make(items[..half]), make(items[half..]));
    }

    private static T[] Inserted<T>(T[] items, int at, T item)
    {
        T[] longer = new T[items.Length + 1];
        items.AsSpan(0, at).CopyTo(longer);
        longer[at] = item;
        items.AsSpan(at).CopyTo(longer.AsSpan(at + 1));
        return longer;
    }

    private static T[] Removed<T>(T[] items, int at)
    {
        T[] shorter = new T[items.Length - 1];
        items.AsSpan(0, at).CopyTo(shorter);
        items.AsSpan(at + 1).CopyTo(shorter.AsSpan(at));
        return shorter;
    }

    // The last page whose first name is not behind the name; the first page where all are.
    private int PageOf(ReadOnlySpan<byte> name)
    {
        int low = 1, high = _pages!.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (name.SequenceCompareTo(_pages[middle]._first) >= 0) low = middle + 1;
            else high = middle;
        }
        return low - 1;
    }

    private int Search(ReadOnlySpan<byte> name)
    {
        int low = 0, high = _nodes!.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            int order = name.SequenceCompareTo(_nodes[middle].Name);
            if (order == 0) return middle;
            if (order > 0) low = middle + 1;
            else high = middle - 1;
        }
        return ~low;
    }
}

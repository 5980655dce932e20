// Stub of Unreal's Core with the names, types and constness of the engine: the members that the plugin uses. Members that
// start with Stub are for tests.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using int8 = std::int8_t;
using int16 = std::int16_t;
using int32 = std::int32_t;
using int64 = std::int64_t;
using uint8 = std::uint8_t;
using uint16 = std::uint16_t;
using uint32 = std::uint32_t;
using uint64 = std::uint64_t;
using TCHAR = char16_t;
using SIZE_T = std::size_t;

#define TEXT(x) u##x
#define PLATFORM_WINDOWS 0
#define PLATFORM_MAC 0
#define PLATFORM_ANDROID 0
#ifndef WITH_EDITOR
#define WITH_EDITOR 1
#endif
constexpr int32 INDEX_NONE = -1;

#define UE_VERSION_OLDER_THAN(Major, Minor, Patch) (STUB_ENGINE_MINOR < (Minor)) // the stub is 5.STUB_ENGINE_MINOR

// Macros of UnrealHeaderTool; empty for the compiler.
class UClass;
#define UCLASS(...)
#define USTRUCT(...)
#define UENUM(...)
#define UFUNCTION(...)
#define UPROPERTY(...)
#define GENERATED_BODY() STUB_GENERATED_BODY(stub)
#define STUB_GENERATED_BODY(unused)                                                                                              \
public:                                                                                                                          \
	static UClass* StaticClass();
// Unreal's build defines one per module.
#define KOEMORPH_API [[gnu::visibility("default")]]
#define KOEMORPHEDITOR_API [[gnu::visibility("default")]]

template <typename T>
constexpr std::remove_reference_t<T>&& MoveTemp(T&& Value)
{
	static_assert(!std::is_const_v<std::remove_reference_t<T>>, "MoveTemp called on a const object");
	return static_cast<std::remove_reference_t<T>&&>(Value);
}

inline int32 StubCount(SIZE_T Count)
{
	return static_cast<int32>(Count);
}

struct FCriticalSection
{
	std::mutex StubMutex;
};
class FScopeLock
{
public:
	explicit FScopeLock(FCriticalSection* Section)
		: StubHeld(Section->StubMutex)
	{
	}

private:
	const std::lock_guard<std::mutex> StubHeld;
};

template <typename T>
class TArray
{
public:
	TArray() = default;
	TArray(const T* Data, int32 Count)
		: Items(Data, Data + Count)
	{
	}
	TArray(std::initializer_list<T> List)
		: Items(List)
	{
	}
	int32 Num() const { return StubCount(Items.size()); }
	bool IsEmpty() const { return Items.empty(); }
	int32 Add(T Item)
	{
		Items.push_back(std::move(Item));
		return Num() - 1;
	}
	template <typename R>
	void Append(const R& More)
	{
		Items.insert(Items.end(), More.GetData(), More.GetData() + More.Num());
	}
	void Reset(int32 NewSize = 0) { Items.clear(); }
	void Empty(int32 Slack = 0) { Items.clear(); }
	void SetNumZeroed(int32 Count) { Items.resize(static_cast<SIZE_T>(Count)); }
	void SetNumUninitialized(int32 Count) { Items.resize(static_cast<SIZE_T>(Count)); }
	void Sort() { std::sort(Items.begin(), Items.end()); }
	T* GetData() { return Items.data(); }
	const T* GetData() const { return Items.data(); }
	T& operator[](int32 Index) { return Items.at(static_cast<SIZE_T>(Index)); }
	const T& operator[](int32 Index) const { return Items.at(static_cast<SIZE_T>(Index)); }
	template <typename K>
	int32 IndexOfByKey(const K& Key) const
	{
		const auto Found = std::find(Items.begin(), Items.end(), Key);
		return Found == Items.end() ? INDEX_NONE : static_cast<int32>(Found - Items.begin());
	}
	T* begin() { return Items.data(); }
	T* end() { return Items.data() + Items.size(); }
	const T* begin() const { return Items.data(); }
	const T* end() const { return Items.data() + Items.size(); }

private:
	std::vector<T> Items;
};

template <typename T>
class TConstArrayView
{
public:
	TConstArrayView(const TArray<T>& Items)
		: Data(Items.GetData())
		, Count(Items.Num())
	{
	}
	int32 Num() const { return Count; }
	const T* GetData() const { return Data; }
	const T& operator[](int32 Index) const { return Data[Index]; }

private:
	const T* Data;
	int32 Count;
};

template <typename K, typename V>
struct TPair
{
	K Key;
	V Value;
};

template <typename K, typename V>
class TMap
{
public:
	V& Add(const K& Key, const V& Value)
	{
		if (V* const Known = Find(Key))
		{
			return *Known = Value;
		}
		Pairs.push_back({Key, Value});
		return Pairs.back().Value;
	}
	V* Find(const K& Key)
	{
		for (TPair<K, V>& Pair : Pairs)
		{
			if (Pair.Key == Key)
			{
				return &Pair.Value;
			}
		}
		return nullptr;
	}
	const V* Find(const K& Key) const { return const_cast<TMap*>(this)->Find(Key); }
	void Empty(int32 Slack = 0) { Pairs.clear(); }
	int32 Num() const { return StubCount(Pairs.size()); }
	const TPair<K, V>* begin() const { return Pairs.data(); }
	const TPair<K, V>* end() const { return Pairs.data() + Pairs.size(); }

private:
	std::vector<TPair<K, V>> Pairs;
};

std::u16string StubWide(const std::string& Utf8);
std::string StubUtf8(const std::u16string& Text);

class FString
{
public:
	FString() = default;
	FString(const TCHAR* InText)
		: Text(InText)
	{
	}
	const TCHAR* operator*() const { return Text.c_str(); }
	bool IsEmpty() const { return Text.empty(); }
	void Reset(int32 NewSize = 0) { Text.clear(); }
	FString& operator=(const TCHAR* InText)
	{
		Text = InText;
		return *this;
	}
	friend FString operator+(const FString& A, const FString& B) { return FString((A.Text + B.Text).c_str()); }
	friend bool operator==(const FString& A, const FString& B) { return A.Text == B.Text; }
	friend bool operator<(const FString& A, const FString& B) { return A.Text < B.Text; }
	static FString Join(const TArray<FString>& Parts, const TCHAR* Separator);
	template <typename... Types>
	static FString Printf(const TCHAR* Format, Types... Arguments);

private:
	std::u16string Text;
};

// Supports %s and %d, the formats that the plugin uses.
inline std::u16string StubArgument(const TCHAR* Text)
{
	return Text;
}
inline std::u16string StubArgument(int32 Number)
{
	return StubWide(std::to_string(Number));
}
template <typename... Types>
std::u16string StubFormat(std::u16string Format, Types... Arguments)
{
	SIZE_T At = 0;
	for (const std::u16string& Argument : std::vector<std::u16string>{StubArgument(Arguments)...})
	{
		At = Format.find(u'%', At);
		Format.replace(At, 2, Argument);
		At += Argument.size();
	}
	return Format;
}
template <typename... Types>
FString FString::Printf(const TCHAR* Format, Types... Arguments)
{
	return FString(StubFormat(Format, Arguments...).c_str());
}

#define TCHAR_TO_UTF8(Text) (StubUtf8(Text).c_str())
#define UTF8_TO_TCHAR(Text) (StubWide(Text).c_str())
#define ANSI_TO_TCHAR(Text) (StubWide(Text).c_str())

class FName
{
public:
	FName() = default;
	FName(const TCHAR* InText)
		: Text(InText)
	{
	}
	FName(const char* InText)
		: Text(UTF8_TO_TCHAR(InText))
	{
	}
	bool IsNone() const { return Text.IsEmpty(); }
	FString ToString() const { return Text; }
	friend bool operator==(const FName& A, const FName& B) { return A.Folded() == B.Folded(); } // names ignore case

private:
	std::u16string Folded() const;
	FString Text;
};

class FText
{
public:
	static FText FromString(const FString& Text) { return FText(); }
};
#define LOCTEXT(Key, Text) FText::FromString(TEXT(Text))

enum class ESPMode : uint8
{
	NotThreadSafe,
	ThreadSafe
};

template <typename T, ESPMode Mode>
class TSharedPtr;

template <typename T, ESPMode Mode = ESPMode::ThreadSafe>
class TSharedRef
{
public:
	explicit TSharedRef(std::shared_ptr<T> InHeld)
		: Held(std::move(InHeld))
	{
	}
	template <typename U, typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	TSharedRef(const TSharedRef<U, Mode>& Other)
		: Held(Other.Held)
	{
	}
	T& Get() const { return *Held; }
	T* operator->() const { return Held.get(); }
	std::shared_ptr<T> Held;
};

template <typename T, ESPMode Mode = ESPMode::ThreadSafe>
class TSharedPtr
{
public:
	TSharedPtr(std::nullptr_t = nullptr) {}
	template <typename U, typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	TSharedPtr(const TSharedRef<U, Mode>& Other)
		: Held(Other.Held)
	{
	}
	template <typename U, typename = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	TSharedPtr(const TSharedPtr<U, Mode>& Other)
		: Held(Other.Held)
	{
	}
	T* operator->() const { return Held.get(); }
	bool IsValid() const { return Held != nullptr; }
	void Reset() { Held.reset(); }
	std::shared_ptr<T> Held;
};

template <typename T, ESPMode Mode = ESPMode::ThreadSafe, typename... Types>
TSharedRef<T, Mode> MakeShared(Types&&... Arguments)
{
	return TSharedRef<T, Mode>(std::make_shared<T>(std::forward<Types>(Arguments)...));
}

template <typename T, ESPMode Mode = ESPMode::ThreadSafe>
class TSharedFromThis
{
};

template <typename T>
class TUniquePtr
{
public:
	TUniquePtr(std::nullptr_t = nullptr) {}
	explicit TUniquePtr(T* Object)
		: Held(Object)
	{
	}
	T* Get() const { return Held.get(); }
	T& operator*() const { return *Held; }
	T* operator->() const { return Held.get(); }
	bool IsValid() const { return Held != nullptr; }
	explicit operator bool() const { return Held != nullptr; }
	void Reset() { Held.reset(); }

private:
	std::unique_ptr<T> Held;
};
template <typename T>
TUniquePtr<T> MakeUnique()
{
	return TUniquePtr<T>(new T);
}

#include "Platform.h"
